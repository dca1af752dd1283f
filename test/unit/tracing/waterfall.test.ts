import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createJournal } from '../../../src/journal/journal.ts'
import type { EntryData } from '../../../src/journal/entry.ts'
import { spansOf, toWaterfallHtml, toWaterfallText } from '../../../src/tracing/waterfall.ts'

type Span = EntryData['span.ended']

const aSpan = (changes: Partial<Span> & { spanId: string }): Span => ({
  traceId: 't1',
  name: 'GET /',
  kind: 'server',
  service: 'orders',
  call: '1',
  startMs: 0,
  endMs: 100,
  status: 'unset',
  attributes: {},
  ...changes,
})

function journalOf(...spans: Span[]) {
  const journal = createJournal(() => 0)
  for (const span of spans) journal.record('span.ended', span)
  return journal
}

const checkout = [
  aSpan({
    spanId: 'd',
    parentSpanId: 'c',
    service: 'payments',
    name: 'POST /charges',
    startMs: 30,
    endMs: 90,
    status: 'error',
    attributes: { 'http.response.status_code': 503 },
  }),
  aSpan({ spanId: 'c', parentSpanId: 'a', name: 'POST', kind: 'client', startMs: 25, endMs: 95, status: 'error' }),
  aSpan({ spanId: 'b', parentSpanId: 'a', name: 'GET', kind: 'client', startMs: 5, endMs: 20 }),
  aSpan({ spanId: 'a', parentSpanId: 'page', name: 'POST /orders', attributes: { 'http.response.status_code': 202 } }),
]

describe('spansOf', () => {
  test('builds one tree per trace, siblings by their start', () => {
    const other = aSpan({ spanId: 'z', traceId: 't2', startMs: -5, endMs: 0 })
    const [first, second] = spansOf(journalOf(...checkout, other))
    expect(first!.traceId).toBe('t2')
    expect(second!.nodes.map(({ span, depth }) => [span.spanId, depth])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 1],
      ['d', 2],
    ])
    expect(spansOf(journalOf(...checkout, other), { traceId: 't2' })).toHaveLength(1)
  })

  test('tells where an error came from, how it spread and where it was caught', () => {
    const [tree] = spansOf(journalOf(...checkout))
    expect(tree!.nodes.map(({ error }) => error)).toEqual(['suppressed', 'none', 'propagated', 'origin'])
  })

  test('tells a root from a span whose parent is absent', () => {
    const [tree] = spansOf(journalOf(aSpan({ spanId: 'a' }), aSpan({ spanId: 'b', parentSpanId: 'nowhere' })))
    expect(tree!.roots.map(({ parent }) => parent)).toEqual(['root', 'absent'])
  })

  test('cuts a cycle open at its earliest span', () => {
    const [tree] = spansOf(
      journalOf(
        aSpan({ spanId: 'a', parentSpanId: 'b', startMs: 2 }),
        aSpan({ spanId: 'b', parentSpanId: 'a', startMs: 1 }),
        aSpan({ spanId: 'self', parentSpanId: 'self', startMs: 3 }),
      ),
    )
    expect(tree!.nodes.map(({ span, depth, parent }) => [span.spanId, depth, parent])).toEqual([
      ['b', 0, 'cut'],
      ['a', 1, 'present'],
      ['self', 0, 'cut'],
    ])
  })

  test('takes anything and shows every span once', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const time = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(NaN, Infinity, -Infinity))
    const span = fc
      .record(
        { spanId: id, parentSpanId: id, startMs: time, endMs: time, name: fc.string(), service: fc.string() },
        { requiredKeys: ['spanId', 'startMs', 'endMs', 'name', 'service'] },
      )
      .map(aSpan)
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), (spans) => {
        const journal = journalOf(...spans)
        const nodes = spansOf(journal).flatMap((tree) => tree.nodes)
        expect(new Set(nodes.map((node) => node.span.seq)).size).toBe(spans.length)
        expect(nodes).toHaveLength(spans.length)
        expect(toWaterfallText(journal).split('\n').length).toBeGreaterThanOrEqual(Math.min(1, spans.length))
        expect(toWaterfallHtml(journal)).toContain('</section>')
      }),
    )
  })

  test('goes deeper than the call stack', () => {
    const spans = Array.from({ length: 50_000 }, (_, i) =>
      aSpan({ spanId: String(i), ...(i > 0 && { parentSpanId: String(i - 1) }) }),
    )
    const [tree] = spansOf(journalOf(...spans))
    expect(tree!.nodes.at(-1)!.depth).toBe(49_999)
  })
})

describe('toWaterfallText', () => {
  test('draws one line per span', () => {
    expect(`\n${toWaterfallText(journalOf(...checkout), undefined, { width: 90 })}\n`).toMatchInlineSnapshot(`
      "
      trace t1: 4 spans, 100 ms
        +? orders: POST /orders          0 ms |===================================| 100 ms  202
             orders: GET (client)        5 ms |  =====                            | 15 ms
        ~    orders: POST (client)      25 ms |         ========================  | 70 ms  error
        !      payments: POST /charges  30 ms |           =====================   | 60 ms  503
      ! failed itself
      ~ failed because of a call
      + answered although a call failed
      ? its parent span is not in the journal
      "
    `)
  })

  test('says when there is nothing', () => {
    expect(toWaterfallText(journalOf())).toBe('no spans')
    expect(toWaterfallText(journalOf(...checkout), 'other')).toBe('no spans of trace other')
  })

  test('counts what it leaves out', () => {
    const many = Array.from({ length: 60 }, (_, i) => aSpan({ spanId: String(i) }))
    const others = Array.from({ length: 12 }, (_, i) => aSpan({ spanId: 'x', traceId: `o${i}`, startMs: 1 }))
    const text = toWaterfallText(journalOf(...many, ...others))
    expect(text).toContain('... and 20 more spans')
    expect(text).toContain('... and 3 more traces')
  })

  test('keeps to its width and lets no control character through', () => {
    const name = `GET /\u001b[31m\n${'x'.repeat(300)}`
    const text = toWaterfallText(journalOf(aSpan({ spanId: 'a', name })), undefined, { width: 80 })
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(text).not.toContain('\u001b')
    expect(text.split('\n')).toHaveLength(2)
  })
})

describe('toWaterfallHtml', () => {
  test('escapes what came from outside and loads nothing', () => {
    const html = toWaterfallHtml(
      journalOf(
        aSpan({
          spanId: 'a',
          traceId: '"><script>',
          name: '<img src=x onerror=alert(1)>',
          service: `'"&`,
          attributes: { 'url.path': '"><b>' },
        }),
      ),
    )
    expect(html).not.toMatch(/<(img|script|b)\b/)
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(html).toContain('&#39;&quot;&amp;')
    expect(html).not.toMatch(/https?:|url\(/)
  })

  test('counts what it leaves out', () => {
    const many = Array.from({ length: 5 }, (_, i) => aSpan({ spanId: String(i) }))
    expect(toWaterfallHtml(journalOf(...many), undefined, { maxSpans: 2 })).toContain('... and 3 more spans')
  })
})
