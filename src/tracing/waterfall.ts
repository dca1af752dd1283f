import type { Journal } from '../journal/journal.ts'
import { spansOf, type SpanNode, type TraceTree } from './trees.ts'

export { spansOf, type ErrorRole, type SpanEntry, type SpanNode, type TraceTree } from './trees.ts'

export interface WaterfallLimits {
  /** Characters in a line of text. Default 100, at least 60. */
  width?: number
  /** Spans shown per trace; the rest is counted. Default 40. */
  maxSpans?: number
  /** Traces shown; the rest is counted. Default 10. */
  maxTraces?: number
}

type Spans = Pick<Journal, 'where'>

const errorMarks = { none: ' ', origin: '!', propagated: '~', suppressed: '+' } as const
const legend: readonly (readonly [mark: string, meaning: string])[] = [
  ['!', 'failed itself'],
  ['~', 'failed because of a call'],
  ['+', 'answered although a call failed'],
  ['?', 'its parent span is not in the journal'],
]

/** Two columns: what failed, and whether the parent is known. */
const marksOf = ({ error, parent }: SpanNode) =>
  errorMarks[error] + (parent === 'absent' || parent === 'cut' ? '?' : ' ')

const finite = (ms: number) => (Number.isFinite(ms) ? ms : 0)
const shownMs = (ms: number) => `${Number(finite(ms).toFixed(1))} ms`
// Names come from requests: a line break or an escape sequence in one must not reach the terminal.
const oneLine = (text: string) => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 3)}...` : text)

const label = ({ span }: SpanNode) => `${span.service}: ${span.name}${span.kind === 'client' ? ' (client)' : ''}`

const status = ({ span: { attributes, status } }: SpanNode) =>
  String(attributes['http.response.status_code'] ?? attributes['error.type'] ?? (status === 'error' ? 'error' : ''))

/** Where a span lies within its trace, as fractions of the whole; always within 0 and 1. */
function placeOf({ span }: SpanNode, tree: TraceTree): { from: number; to: number } {
  const whole = finite(tree.endMs - tree.startMs)
  const at = (ms: number) => (whole > 0 ? Math.min(1, Math.max(0, finite((ms - tree.startMs) / whole))) : 0)
  const from = at(span.startMs)
  return { from, to: whole > 0 ? Math.max(from, at(span.endMs)) : 1 }
}

const summaryOf = (tree: TraceTree) =>
  `trace ${oneLine(tree.traceId)}: ${tree.nodes.length} ${tree.nodes.length === 1 ? 'span' : 'spans'}, ${shownMs(tree.endMs - tree.startMs)}`

/**
 * The traces of a journal for a failure message: one line per span with its service, name, start within the trace, bar,
 * duration and status. Marks tell where an error came from and which parents are missing. Never fails, whatever the
 * journal holds.
 */
export function toWaterfallText(journal: Spans, traceId?: string, limits: WaterfallLimits = {}): string {
  const { maxTraces = 10, maxSpans = 40 } = limits
  const trees = spansOf(journal, { traceId })
  if (trees.length === 0) return traceId ? `no spans of trace ${oneLine(traceId)}` : 'no spans'
  const blocks = trees.slice(0, maxTraces).map((tree) => textOf(tree, Math.max(60, limits.width ?? 100), maxSpans))
  const used = legend.filter(([mark]) => blocks.some(({ marks }) => marks.includes(mark)))
  return [
    ...blocks.map(({ text }) => text),
    ...(trees.length > maxTraces ? [`... and ${trees.length - maxTraces} more traces`] : []),
    ...used.map(([mark, meaning]) => `${mark} ${meaning}`),
  ].join('\n')
}

function textOf(tree: TraceTree, width: number, maxSpans: number): { text: string; marks: string } {
  const shown = tree.nodes.slice(0, maxSpans)
  const names = shown.map((node) => {
    // Past ten levels the names would have no room left; the depth then stands as a number.
    const indent = node.depth > 10 ? `${'  '.repeat(10)}(${node.depth}) ` : '  '.repeat(node.depth)
    return cut(indent + oneLine(label(node)), Math.floor(width * 0.45))
  })
  const starts = shown.map(({ span }) => shownMs(span.startMs - tree.startMs))
  const ends = shown.map((node) => cut(oneLine(`${shownMs(node.span.endMs - node.span.startMs)}  ${status(node)}`), 24))
  const longest = (texts: readonly string[]) => texts.reduce((most, { length }) => Math.max(most, length), 0)
  const [name, start, end] = [longest(names), longest(starts), longest(ends)]
  const bar = Math.max(10, width - (name + start + end + 11))

  const rows = shown.map((node, row) => {
    const { from, to } = placeOf(node, tree)
    const left = Math.min(bar - 1, Math.round(from * bar))
    const length = Math.max(1, Math.round(to * bar) - left)
    const drawn = (' '.repeat(left) + '='.repeat(length)).padEnd(bar)
    return `  ${marksOf(node)} ${names[row]!.padEnd(name)}  ${starts[row]!.padStart(start)} |${drawn}| ${ends[row]!}`.trimEnd()
  })
  const more = tree.nodes.length - shown.length
  return {
    text: [summaryOf(tree), ...rows, ...(more > 0 ? [`     ... and ${more} more spans`] : [])].join('\n'),
    marks: shown.map(marksOf).join(''),
  }
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string) => oneLine(text).replace(/[&<>"']/g, (character) => entities[character]!)

const style = `<style>
.mw-traces{font:13px/1.5 ui-monospace,monospace}.mw-traces table{border-collapse:collapse;width:100%}
.mw-traces caption{text-align:left;font-weight:bold;padding:.6em 0 .2em}.mw-traces td{padding:0 .6em;white-space:nowrap}
.mw-traces .mw-bar{width:45%;position:relative}.mw-traces .mw-bar i{position:absolute;top:.3em;bottom:.3em;min-width:2px;background:#4c78a8}
.mw-traces .mw-client .mw-bar i{opacity:.5}.mw-traces .mw-origin .mw-bar i{background:#c0392b}
.mw-traces .mw-propagated .mw-bar i{background:#e08e79}.mw-traces .mw-suppressed .mw-bar i{background:#d9a400}
</style>`

/**
 * The same as a fragment of HTML for reports: no script, nothing loaded from elsewhere, every name and value escaped.
 * Shows up to 200 traces of 500 spans each unless told otherwise.
 */
export function toWaterfallHtml(journal: Spans, traceId?: string, limits: Omit<WaterfallLimits, 'width'> = {}): string {
  const { maxTraces = 200, maxSpans = 500 } = limits
  const trees = spansOf(journal, { traceId })
  const more = trees.length - maxTraces
  return [
    '<section class="mw-traces">',
    style,
    ...(trees.length === 0 ? ['<p>no spans</p>'] : trees.slice(0, maxTraces).map((tree) => htmlOf(tree, maxSpans))),
    ...(more > 0 ? [`<p>... and ${more} more traces</p>`] : []),
    '</section>',
  ].join('\n')
}

function htmlOf(tree: TraceTree, maxSpans: number): string {
  const rows = tree.nodes.slice(0, maxSpans).map((node) => {
    const { from, to } = placeOf(node, tree)
    const percent = (fraction: number) => `${Number((fraction * 100).toFixed(2))}%`
    const attributes = Object.entries(node.span.attributes).map(([key, value]) => `${key}=${value}`)
    const cells = [
      `<td>${marksOf(node).trim()}</td>`,
      `<td style="padding-left:${Math.min(node.depth, 20)}em">${escaped(label(node))}</td>`,
      `<td>${shownMs(node.span.startMs - tree.startMs)}</td>`,
      `<td class="mw-bar"><i style="left:${percent(from)};width:${percent(to - from)}"></i></td>`,
      `<td>${shownMs(node.span.endMs - node.span.startMs)}</td>`,
      `<td>${escaped(status(node))}</td>`,
    ]
    const side = node.span.kind === 'client' ? 'client' : 'server'
    return `<tr class="mw-${side} mw-${node.error}" title="${escaped(attributes.join(', '))}">${cells.join('')}</tr>`
  })
  const more = tree.nodes.length - rows.length
  const rest = more > 0 ? [`<tr><td></td><td>... and ${more} more spans</td></tr>`] : []
  return [`<table><caption>${escaped(summaryOf(tree))}</caption>`, ...rows, ...rest, '</table>'].join('\n')
}
