import { parseTraceparent } from '../call/trace-context.ts'
import { MeshError } from '../errors.ts'
import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { describeValue } from '../nearest.ts'
import { unknownService } from '../topology/unknown.ts'
import { counted, listed } from './evidence.ts'
import { traceHops, type WireContext } from './trace-hops.ts'
import { createJudge, type JudgedHop } from './trace-judgement.ts'

export interface PropagatedTraceOptions {
  /** Services that one trace must have passed, in this order, each called by the one before it. Default: all calls. */
  through?: readonly string[]
  /** The header that the test itself sent: its trace id must be seen at every hop, and calls of other traces are left out. */
  traceparent?: string
  /** What is looked for. Default, and so far all there is: `['w3c']`. */
  formats?: readonly 'w3c'[]
}

/**
 * Whether trace context was propagated, by the rules of W3C Trace Context level 2.
 *
 * A hop is one try of one call. What counts is what the caller itself had put on the wire (sidecars of the mesh repair
 * nothing here), and then that it arrived unharmed, if it arrived at all: a refused connection breaks no trace.
 *
 * - A call made in answer to another one must carry a valid `traceparent` of the trace under which that one was
 *   answered, with any parent-id (forwarding the header as it came is legal), and must keep the members of `tracestate`.
 * - The code under test must do the same once it has itself received traced calls. Before that it may leave tracing to
 *   others, as a page in a browser does: a call without `traceparent` is then passed over; a malformed one never is.
 * - With `through`, at least one trace has passed along those edges in that order, and no call on these edges broke one.
 *   When the first service is under test and received nothing, its calls must start the trace themselves.
 *
 * Without any traced call the verdict is not ok.
 *
 * @throws MeshError `MESH_UNKNOWN_SERVICE` for a name in `through` that is no service of the mesh, `MESH_INVALID_OPTION`
 * for an empty `through`, a malformed `traceparent` and an unknown format.
 */
export function propagatedTrace(subject: Subject, expected: PropagatedTraceOptions = {}): Verdict {
  const wanted = checked(subject, expected)
  const traces = traceHops(subject)
  const judge = createJudge(traces)
  const first = expected.through?.[0]
  // Code under test that heads the list, with nothing to carry on, is told to start the trace.
  const judged = traces.hops.map((hop) => judge(hop, { mustStart: hop.caller === first }))
  const own = wanted === undefined ? judged : ofTrace(judged, wanted)
  if (wanted !== undefined && own.length === 0)
    return { ok: false, summary: `no call carried the trace ${wanted}`, evidence: evidenceOf(judged) }
  return expected.through ? alongVerdict(own, expected.through) : everywhereVerdict(own)
}

function checked(subject: Subject, { through, traceparent, formats }: PropagatedTraceOptions): string | undefined {
  const invalid = (option: string, what: string, value: unknown) =>
    new MeshError(
      'MESH_INVALID_OPTION',
      `toPropagateTrace: expected \`${option}\` to be ${what}, got ${describeValue(value)}`,
    )
  if (through !== undefined) {
    if (!Array.isArray(through) || through.length === 0)
      throw invalid('through', 'a list of one or more services', through)
    const { mesh, services } = subject.facts()
    // A service that was taken away in the meantime has still left calls.
    const seen = new Set([...services, ...subject.journal.where({ type: 'request.received' }).map((e) => e.service)])
    for (const name of through) if (!seen.has(name)) throw unknownService(name, mesh, services)
  }
  const format = formats?.find((name: string) => name !== 'w3c')
  if (format !== undefined) throw invalid('formats', "['w3c']", formats)
  if (traceparent === undefined) return undefined
  const parsed = parseTraceparent(String(traceparent))
  if ('problem' in parsed) throw invalid('traceparent', `a valid header (${parsed.problem})`, traceparent)
  return parsed.context.traceId
}

/** The hops of one trace: the calls that carried it in, and all that was called in answer to them. */
function ofTrace(judged: readonly JudgedHop[], traceId: string): JudgedHop[] {
  const calls = new Set<string>()
  return judged.filter((one) => {
    const isAnswer = one.hop.parent !== undefined && calls.has(one.hop.parent)
    const wasDue = one.found === 'broken' && one.inbound.some((inbound) => inbound.traceId === traceId)
    const isOwn = isAnswer || one.traceId === traceId || wasDue
    if (isOwn) calls.add(one.hop.call)
    return isOwn
  })
}

function everywhereVerdict(judged: readonly JudgedHop[]): Verdict {
  // A trace that the mesh began for a caller which it plays itself shows nothing until a service carries it on.
  const counting = judged.filter(
    ({ found, hop }) => found === 'continues' || found === 'broken' || (found === 'starts' && hop.underTest),
  )
  const broken = counting.filter(({ found }) => found === 'broken')
  if (broken.length > 0) return brokenVerdict(broken, judged)
  if (counting.length === 0)
    return {
      ok: false,
      summary: 'no call passed a trace on: none was made in answer to another one, or with a traceparent of its own',
      evidence: evidenceOf(judged),
    }
  const ids = new Set(counting.map(({ traceId }) => traceId))
  return {
    ok: true,
    summary: `${counted(counting.length, 'call')} carried ${ids.size === 1 ? 'the trace' : `${ids.size} traces`} on, none broke it`,
    evidence: evidenceOf(counting),
  }
}

function alongVerdict(judged: readonly JudgedHop[], through: readonly string[]): Verdict {
  const way = through.join(' -> ')
  const edges = through.slice(1).map((callee, i) => `${through[i]}->${callee}`)
  // Of a single service nothing is known but what arrives there.
  const along = judged.filter(({ hop }) => (edges.length > 0 ? edges.includes(hop.edge) : hop.callee === through[0]))
  const broken = along.filter(({ found }) => found === 'broken')
  if (broken.length > 0) return brokenVerdict(broken, along)
  if (edges.length === 0)
    return {
      ok: along.length > 0,
      summary: along.length > 0 ? `${counted(along.length, 'call')} reached ${way}` : `no call was made to ${way}`,
      evidence: evidenceOf(along.length > 0 ? along : judged),
    }

  const unused = edges.find((edge) => !along.some(({ hop }) => hop.edge === edge))
  if (unused !== undefined) {
    const seen = [...new Set(judged.map(({ hop }) => hop.edge))]
    return {
      ok: false,
      summary: `no call passed ${unused}, so no trace passed through ${way}`,
      evidence: [seen.length > 0 ? `calls were made on ${listed(seen)}` : 'no calls were made', ...evidenceOf(along)],
    }
  }
  const { passed, furthest } = follow(along, edges)
  const ids = new Set(passed.map(({ traceId }) => traceId))
  return {
    ok: passed.length > 0,
    summary:
      passed.length > 0
        ? `${counted(ids.size, 'trace')} passed through ${way}, ${counted(along.length, 'call')} on the way, none broke it`
        : `no single trace passed through ${way}; the furthest came to ${furthest}`,
    evidence: evidenceOf(along),
  }
}

/** Follows traces along the edges. `passed` are the last hops of those that came to the end. */
function follow(along: readonly JudgedHop[], edges: readonly string[]): { passed: JudgedHop[]; furthest: string } {
  let passed = along.filter(({ hop, traceId }) => hop.edge === edges[0] && traceId !== undefined)
  let furthest = passed[0]?.hop.callee ?? '(nowhere)'
  for (const edge of edges.slice(1)) {
    const calls = new Set(passed.map(({ hop }) => hop.call))
    const ids = new Set(passed.map(({ traceId }) => traceId))
    passed = along.filter(
      // The parent of a call by code under test is often not known; it was judged against all that had arrived.
      ({ hop, traceId, found }) =>
        hop.edge === edge &&
        found === 'continues' &&
        (hop.parent === undefined ? ids.has(traceId) : calls.has(hop.parent)),
    )
    furthest = passed[0]?.hop.callee ?? furthest
  }
  return { passed, furthest }
}

function brokenVerdict(broken: readonly JudgedHop[], all: readonly JudgedHop[]): Verdict {
  const [first] = broken
  const more = broken.length > 1 ? ` (and at ${counted(broken.length - 1, 'other call')})` : ''
  return {
    ok: false,
    summary: `the trace broke at ${first!.hop.edge}, call ${nameOf(first!)}: ${first!.why}${more}`,
    evidence: evidenceOf(all),
  }
}

const nameOf = ({ hop: { call, attempt } }: JudgedHop) => (attempt > 0 ? `${call} retry ${attempt}` : call)

const shownHops = 16
const shownBroken = 8

/** Hop by hop, the broken ones marked with `x` and explained. Shows the first 16 hops and 8 broken ones more. */
function evidenceOf(judged: readonly JudgedHop[]): string[] {
  const late = judged.slice(shownHops).filter(({ found }) => found === 'broken')
  const shown = [...judged.slice(0, shownHops), ...late.slice(0, shownBroken)]
  const widest = (texts: readonly string[]) => texts.reduce((most, { length }) => Math.max(most, length), 0)
  const [edge, name] = [widest(shown.map(({ hop }) => hop.edge)), widest(shown.map(nameOf))]
  const lines = shown.flatMap((one) => {
    const { hop, found, why } = one
    const mark = found === 'broken' ? 'x' : ' '
    const start = `${mark} ${hop.edge.padEnd(edge)}  call ${nameOf(one).padEnd(name)}  `
    if (found !== 'broken') return [start + wireText(one)]
    return [start + why!, `      expected ${expectedText(one)}`, `      received ${receivedText(one)}`]
  })
  const left = judged.length - shown.length
  return left > 0 ? [...lines, `  ... ${left} more`] : lines
}

function wireText({ hop: { left, arrived }, found }: JudgedHop): string {
  const header = left.traceparent ?? arrived?.traceparent
  if (found === 'untraced' || header === undefined) return 'no traceparent, not looked at'
  return `${header}  ${found === 'starts' ? 'starts the trace' : 'carries it on'}${arrived ? '' : ' (did not arrive)'}`
}

function expectedText({ inbound, hop }: JudgedHop): string {
  if (inbound.length === 0) return 'a valid traceparent'
  const traces = [...new Map(inbound.toReversed().map((one) => [one.traceId, one])).values()].toReversed()
  const [{ traceId, spanId, context } = inbound[0]!, ...others] = traces
  const parent = spanId ? ` with parent ${spanId} (the span of ${hop.caller})` : ''
  const state = context?.state ? ` and tracestate ${context.state}` : ''
  const more = others.length > 0 ? `, or one of ${counted(others.length, 'other')} that ${hop.caller} received` : ''
  return `trace ${traceId}${parent}${state}${more}`
}

function receivedText({ hop: { left, arrived }, by }: JudgedHop): string {
  const shown = ({ traceparent, tracestate }: WireContext) =>
    (traceparent ?? 'no traceparent') + (tracestate === undefined ? '' : ` with tracestate ${tracestate}`)
  // A valid header that arrived holds the sidecar's parent-id; what the caller itself had sent is what was judged.
  if (by !== 'network' || !arrived) return shown(left)
  return left.traceparent === undefined ? shown(arrived) : `${shown(arrived)}; sent was ${shown(left)}`
}
