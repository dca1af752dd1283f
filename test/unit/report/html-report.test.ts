import { describe, expect, test } from 'vitest'
import { htmlReport } from '../../../src/report/html-report.ts'
import { anOutage, hostile, reportedHistory } from './reported-history.ts'

const owned = { name: 'orders->payments', ownsCircuit: true }
const count = (text: string, part: string) => text.split(part).length - 1

describe('htmlReport', () => {
  test('has the graph, the circuits, the edges, the faults and the journal', () => {
    const { history, mesh } = reportedHistory({ edges: [owned] })
    anOutage(history)
    const html = htmlReport(mesh)
    expect([...html.matchAll(/<h2>([^<]*)/g)].map(([, title]) => title)).toEqual([
      'Services',
      'Circuits',
      'Edges',
      'Faults',
      'Journal',
    ])
    expect(html).toContain(`<code>${history.journal.hash()}</code>`)
    expect(html).toMatch(/<td>outage<\/td><td>payments<\/td><td>forMs 50000<\/td>.*<td>expired<\/td>/)
  })

  test('loads nothing from anywhere', () => {
    const { history, mesh } = reportedHistory({ edges: [owned] })
    const html = htmlReport({ ...mesh, ...anOutage(history).mesh() } as typeof mesh)
    const addresses = [...html.matchAll(/(?:https?:)?\/\/[a-z0-9.-]+/gi)].map(([address]) => address)
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org']))
    expect(html).not.toMatch(/<(link|img|iframe|script src)/)
    expect(html).toContain("default-src 'none'")
  })

  test('tells how to replay when chance took part, and only then', () => {
    expect(htmlReport(reportedHistory({ chance: true, seed: '7' }).mesh)).toContain('<code>MESHWRIGHT_SEED=7</code>')
    expect(htmlReport(reportedHistory({ seed: '7' }).mesh)).not.toContain('MESHWRIGHT_SEED')
  })

  test('of an empty journal is whole', () => {
    const html = htmlReport(reportedHistory().mesh)
    expect(html).toContain('0 entries in 0 ms')
    expect(html).not.toMatch(/NaN|Infinity|undefined|<h2>(Faults|Problems|Slowest)/)
    expect(html.trimEnd().endsWith('</html>')).toBe(true)
  })

  test('nothing that the simulated world says becomes markup', () => {
    const { history, mesh } = reportedHistory({ seed: hostile, chance: true, problems: [new Error(hostile)] })
    history.record('fault.injected', { fault: 'f1', kind: hostile, target: hostile, options: { [hostile]: hostile } })
    history.circuit(`orders->${hostile}`, 'closed -> open', { reason: hostile })
    history.record('note', { text: hostile, data: { [hostile]: [hostile] } })
    history.record('call.started', {
      call: '1',
      edge: 'orders->payments',
      mode: 'sync',
      origin: 'listener',
      method: hostile,
      path: hostile,
    })
    history.record('span.ended', {
      traceId: hostile,
      spanId: hostile,
      name: hostile,
      kind: 'client',
      service: hostile,
      call: '1',
      startMs: 0,
      endMs: 1,
      status: 'unset',
      attributes: { [hostile]: hostile },
    })
    const html = htmlReport({ ...mesh, name: hostile })
    // The report's own script is the only one, and no attribute got away from its quotes.
    expect(count(html, '<script')).toBe(1)
    expect(count(html, '</script')).toBe(1)
    expect(html).not.toMatch(/<img|[\u202e\u001b]/)
    expect(html.replace(/"[^"]*"/g, '')).not.toMatch(/<[^>]*onerror/)
  })

  test('shows a bounded part of a long journal, and tells how much is left out', () => {
    const { history, mesh } = reportedHistory()
    for (let i = 0; i < 5_000; i++) history.record('note', { text: `n${i} ${'x'.repeat(2_000)}` })
    const html = htmlReport(mesh)
    expect(html).toContain('... 3,500 more entries')
    expect(html).toContain('text n999 ')
    expect(html).not.toContain('text n1000 ')
    expect(html).toContain('text n4999 ')
    expect(html.length).toBeLessThan(1_500_000)
  })

  test('shows a bounded number of problems and faults', () => {
    const problems = Array.from({ length: 300 }, (_, i) => new Error(`problem ${i} ${'x'.repeat(10_000)}`))
    const { history, mesh } = reportedHistory({ problems })
    for (let i = 0; i < 300; i++) history.fault.inject(`f${i}`, 'payments')
    const html = htmlReport(mesh)
    expect(count(html, '... and 100 more')).toBe(2)
    expect(html.length).toBeLessThan(1_500_000)
  })

  test('opens with the slowest trace', () => {
    const { history, mesh } = reportedHistory()
    for (const [traceId, endMs] of [
      ['aaa', 5],
      ['bbb', 90],
      ['ccc', 7],
    ] as const)
      history.record('span.ended', {
        traceId,
        spanId: '1',
        name: 'POST /charges',
        kind: 'server',
        service: 'payments',
        call: '1',
        startMs: 0,
        endMs,
        status: 'unset',
        attributes: {},
      })
    const html = htmlReport(mesh)
    const slowest = html.slice(html.indexOf('<h2>Slowest trace'), html.indexOf('All traces'))
    expect(slowest).toContain('trace bbb')
    expect(slowest).not.toContain('trace aaa')
    expect(html.slice(html.indexOf('All traces'))).toContain('trace aaa')
  })
})
