import { parseTracestate, type TraceContext } from '../call/trace-context.ts'
import { listed } from './evidence.ts'
import type { Hop, TraceHops, WireContext } from './trace-hops.ts'

/** What a caller was under when it made a call. */
interface Inbound {
  readonly traceId: string
  /** The span that a new call stands under, when it is known. */
  readonly spanId?: string
  /** What had arrived at the caller, to compare `tracestate` and forwarded headers with. */
  readonly context?: TraceContext
}

export interface JudgedHop {
  readonly hop: Hop
  /**
   * `starts`: a trace began with this call; `continues`: it carried on the trace of the call that it answers; `broken`:
   * see `why`; `untraced`: no trace, and nobody to blame for it (code under test that does not trace).
   */
  readonly found: 'starts' | 'continues' | 'broken' | 'untraced'
  /** The rule that was broken, in words. */
  readonly why?: string
  /** Who broke it. */
  readonly by?: 'caller' | 'network'
  /** Which trace it belongs to; undefined when that was lost. */
  readonly traceId?: string
  /** The traces it could have carried on, and the spans under which it should stand. Empty when it had none to carry on. */
  readonly inbound: readonly Inbound[]
}

// Code under test is held against the latest calls and traces that it had received, at most so many.
const mostConsidered = 100

interface Arrival extends Inbound {
  readonly seq: number
}

/**
 * What a request brings to its callee: the trace of the SERVER span, which the mesh hands on, and what stood on the wire,
 * which may be forwarded as it is. The two differ in the parent-id; after a broken header the first is all there is.
 *
 * The SERVER span of a simulated service is its own; that of code under test is its sidecar's, so that sending its id on
 * is forwarding.
 */
function inboundBy({ arrived, serverSpan }: Hop, underTest: boolean): Inbound[] {
  const wire = arrived?.context
  if (!serverSpan) return wire ? [{ traceId: wire.traceId, context: wire }] : []
  const { traceId, spanId } = serverSpan
  // A broken header made the mesh start anew: a service that goes on with what it was handed does nothing wrong.
  if (wire?.traceId !== traceId) return [{ traceId, spanId }]
  return [
    { traceId, spanId, context: underTest ? { ...wire, spanId } : wire },
    { traceId, context: wire },
  ]
}

/** What arrived at each service, by trace, and the first arrival of each trace. */
function arrivalsByService(hops: readonly Hop[]) {
  const services = new Map<string, { byTrace: Map<string, Arrival[]>; firsts: Arrival[] }>()
  for (const hop of hops) {
    let at = services.get(hop.callee)
    if (!at) services.set(hop.callee, (at = { byTrace: new Map(), firsts: [] }))
    for (const inbound of inboundBy(hop, true)) {
      const arrival = { seq: hop.seq, ...inbound }
      const same = at.byTrace.get(arrival.traceId)
      if (same) same.push(arrival)
      else {
        at.byTrace.set(arrival.traceId, [arrival])
        at.firsts.push(arrival)
      }
    }
  }
  return services
}

/** The last arrivals before `seq`. They stand in order, so that a long history is not walked through for each hop. */
function latestBefore(arrivals: readonly Arrival[] = [], seq: number): Arrival[] {
  let [from, to] = [0, arrivals.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (arrivals[middle]!.seq < seq) from = middle + 1
    else to = middle
  }
  return arrivals.slice(Math.max(0, from - mostConsidered), from)
}

/** Judges hops one by one against what had arrived at their callers. */
export function createJudge(traces: TraceHops): (hop: Hop, options?: { mustStart?: boolean }) => JudgedHop {
  const arrivals = arrivalsByService(traces.hops)

  const inboundOf = (hop: Hop): Inbound[] => {
    if (hop.parent !== undefined && traces.of(hop.parent).length > 0)
      return traces.of(hop.parent).flatMap((one) => inboundBy(one, hop.underTest))
    if (!hop.underTest) return []
    // Which call the code under test answers is not known; any that had arrived before will do.
    const at = arrivals.get(hop.caller)
    const same = latestBefore(at?.byTrace.get(hop.left.context?.traceId ?? ''), hop.seq)
    return same.length > 0 ? same : latestBefore(at?.firsts, hop.seq)
  }

  return (hop, { mustStart = false } = {}) => {
    const inbound = inboundOf(hop)
    const judged = (found: JudgedHop['found'], rest: Pick<JudgedHop, 'why' | 'by' | 'traceId'>): JudgedHop => ({
      hop,
      found,
      inbound,
      ...rest,
    })
    const broken = (why: string, traceId?: string) => judged('broken', { why, by: 'caller', traceId })
    const { left, arrived } = hop
    const own = left.context

    if (left.problem) return broken(`${hop.caller} sent a malformed header, which breaks the rule ${left.problem}`)
    if (!own) {
      const isAnswer = hop.underTest ? inbound.length > 0 || mustStart : hop.parent !== undefined
      if (isAnswer) return broken(`${hop.caller} sent no traceparent`)
      // A mesh that plays the caller starts the trace in the caller's sidecar; what arrived tells which.
      if (hop.underTest) return judged('untraced', {})
    } else if (inbound.length > 0) {
      const same = inbound.filter(({ traceId }) => traceId === own.traceId)
      if (same.length === 0) return broken(`${hop.caller} sent another trace, ${own.traceId}`)
      const forwarded = same.filter(({ context }) => context?.spanId === own.spanId)
      const lost = (forwarded.length > 0 ? forwarded : same).map(({ context }) => context && stateLost(context, left))
      if (lost.every((text) => text !== undefined)) return broken(`${hop.caller} ${lost[0]}`, own.traceId)
    }

    const onTheWay = arrived && wayProblem(own, arrived)
    if (onTheWay) {
      const why = `on the way to ${hop.callee} ${onTheWay}`
      return judged('broken', { why, by: 'network', traceId: own?.traceId })
    }
    const traceId = own?.traceId ?? arrived?.context?.traceId ?? hop.clientSpan?.traceId
    return judged(inbound.length > 0 ? 'continues' : 'starts', { traceId })
  }
}

/** What the network did to the headers; a sidecar may have put a new parent-id in, never another trace id. */
function wayProblem(left: TraceContext | undefined, arrived: WireContext): string | undefined {
  if (arrived.problem) return `the header was broken, against the rule ${arrived.problem}`
  if (!arrived.context) return 'the traceparent was lost'
  if (!left) return undefined
  if (arrived.context.traceId !== left.traceId) return `the trace became another one, ${arrived.context.traceId}`
  const members = stateMembers(arrived.context.state)
  const missing = [...stateMembers(left.state)].filter(([key, value]) => members.get(key) !== value)
  return missing.length > 0 ? `tracestate lost ${listed(missing.map(([key]) => key))}` : undefined
}

// Up to here a tracestate must be passed on whole; a longer one may be cut by whole members.
const propagatedCharacters = 512

/**
 * What a caller did wrong with `tracestate`: with the parent-id forwarded it must be the same; with a parent-id of its
 * own the caller may put its own member first, changed or new, and keeps the others.
 */
function stateLost(inbound: TraceContext, left: WireContext): string | undefined {
  if (inbound.state === undefined || inbound.state.length > propagatedCharacters) return undefined
  if (left.stateProblem) return `sent a malformed tracestate, which breaks the rule ${left.stateProblem}`
  const own = left.context?.state
  if (left.context?.spanId === inbound.spanId)
    return own === inbound.state ? undefined : `forwarded the parent-id but changed tracestate ${inbound.state}`
  const after = stateMembers(own)
  const [first] = after.keys()
  const lost = [...stateMembers(inbound.state)].filter(
    ([key, value]) => !after.has(key) || (after.get(key) !== value && key !== first),
  )
  return lost.length > 0 ? `did not keep ${listed(lost.map(([key]) => key))} of tracestate` : undefined
}

function stateMembers(state: string | undefined): Map<string, string> {
  const members = state === undefined ? [] : (parseTracestate([state]).state?.split(',') ?? [])
  return new Map(members.map((member) => [member.slice(0, member.indexOf('=')), member]))
}
