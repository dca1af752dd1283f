import { extract, type Extracted } from '../call/trace-context.ts'
import type { Journal } from '../journal/journal.ts'
import type { Subject } from '../journal/subject.ts'

/** One try of one call, as far as its trace context goes. */
export interface Hop {
  /** Where its call began in the history. */
  readonly seq: number
  readonly call: string
  readonly parent?: string
  readonly edge: string
  readonly caller: string
  readonly callee: string
  readonly attempt: number
  /** Whether the code under test made it; a call that the test makes for a service does not count as such. */
  readonly underTest: boolean
  /** What the caller had put on the wire, before any sidecar. */
  readonly left: WireContext
  /** What the callee got; undefined when the request never arrived (refused, reset, ...). */
  readonly arrived?: WireContext
  /** The CLIENT span that the mesh made for this try, if any. */
  readonly clientSpan?: SpanIds
  /** The SERVER span under which the callee answered, once it has ended. */
  readonly serverSpan?: SpanIds
}

export interface WireContext extends Extracted {
  /** The header as it stood there; undefined when there was none. */
  readonly traceparent?: string
  readonly tracestate?: string
}

export interface SpanIds {
  readonly traceId: string
  readonly spanId: string
}

export interface TraceHops {
  /** In the order in which the calls began. */
  readonly hops: readonly Hop[]
  /** The tries of a call. */
  of(call: string): readonly Hop[]
}

/** Reads what stood on the wire; several header lines stand in the journal as one, joined by commas. */
function wire(traceparent: string | undefined, tracestate: string | undefined): WireContext {
  const lines = { ...(traceparent !== undefined && { traceparent }), ...(tracestate !== undefined && { tracestate }) }
  return { ...lines, ...extract(Object.entries(lines)) }
}

const keyOf = ({ call, attempt }: { call: string; attempt: number }) => `${call}#${attempt}`

/**
 * The hops of a journal. Entries of one try are put together, since a request that arrives after its caller gave up
 * leaves two. A try without an entry of its own (tracing was off) is read from the request that was received.
 */
export function traceHops({ journal, facts }: Pick<Subject, 'journal' | 'facts'>): TraceHops {
  const started = new Map(journal.where({ type: 'call.started' }).map((entry) => [entry.call, entry]))
  const received = new Map(journal.where({ type: 'request.received' }).map((entry) => [keyOf(entry), entry]))
  const serverSpans = spansByCall(journal, 'server')
  const clientSpans = spansByCall(journal, 'client')
  const underTest = new Set(
    facts()
      .edges.filter((edge) => edge.callerUnderTest)
      .map(({ name }) => name),
  )

  type Context = Partial<Record<'received' | 'receivedState' | 'sent' | 'sentState', string>>
  type Draft = Context & { seq: number; call: string; edge: string; attempt: number; underTest: boolean }
  const drafts = new Map<string, Draft>()
  for (const entry of journal.where({ type: 'trace.context' })) {
    const before = drafts.get(keyOf(entry))
    drafts.set(keyOf(entry), {
      ...entry,
      ...before,
      underTest: !!before?.underTest || entry.underTest,
    })
  }
  for (const [key, { seq, call, edge, attempt, headers }] of received)
    if (!drafts.has(key)) {
      const context = { received: headers.traceparent, receivedState: headers.tracestate }
      drafts.set(key, { seq, call, edge, attempt, underTest: underTest.has(edge), ...context })
    }

  const hops = [...drafts].map(([key, draft]): Hop => {
    const { call, edge, attempt } = draft
    const request = received.get(key)
    const sent = draft.sent ?? request?.headers.traceparent
    const ofTry = (span: { attempt: number }) => span.attempt === attempt
    const clientSpan = clientSpans.get(call)?.find(ofTry)
    const serverSpan = serverSpans.get(call)?.find(ofTry)
    const hasArrived = sent !== undefined || request !== undefined || serverSpan !== undefined
    const parent = started.get(call)?.parent
    const [caller = '', callee = ''] = edge.split('->')
    return {
      seq: started.get(call)?.seq ?? draft.seq,
      call,
      edge,
      caller,
      callee,
      attempt,
      underTest: draft.underTest,
      left: wire(draft.received, draft.receivedState),
      ...(parent !== undefined && { parent }),
      ...(clientSpan && { clientSpan }),
      ...(serverSpan && { serverSpan }),
      ...(hasArrived && { arrived: wire(sent, draft.sentState ?? request?.headers.tracestate) }),
    }
  })
  hops.sort((a, b) => a.seq - b.seq || a.attempt - b.attempt)

  const byCall = groupedByCall(hops)
  return { hops, of: (call) => byCall.get(call) ?? [] }
}

function groupedByCall<T extends { readonly call: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const same = groups.get(item.call)
    if (same) same.push(item)
    else groups.set(item.call, [item])
  }
  return groups
}

const spansByCall = (journal: Journal, side: 'client' | 'server') =>
  groupedByCall(
    journal
      .where({ type: 'span.ended' })
      .filter(({ kind }) => kind === side)
      .map(({ call, traceId, spanId, attempt = 0 }) => ({ call, traceId, spanId, attempt })),
  )
