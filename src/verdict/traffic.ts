import type { Outcome } from '../call/reply.ts'
import type { EdgeFacts, Subject } from '../journal/subject.ts'

/** One try on an edge, put together from the entries that tell of it. */
export interface Attempt {
  readonly seq: number
  /** Position of the entry that ended it; undefined while it is in flight. */
  readonly endedSeq?: number
  readonly call: string
  /** 0 for the first try of its call. */
  readonly retry: number
  readonly method: string
  readonly path: string
  readonly startedMs: number
  readonly endedMs?: number
  readonly outcome?: Outcome
  readonly status?: number
  /** The fault that hit it: `latency f1`. */
  readonly fault?: string
  /** Nobody answered, or the answer was a 5xx. A rejection is no failure of the callee and does not count. */
  readonly failed: boolean
  /** Turned away by the open circuit or the full bulkhead: it never left the caller. */
  readonly rejected: boolean
}

/** One call on an edge, from the caller's point of view. */
export interface EdgeCall {
  readonly seq: number
  readonly endedSeq?: number
  readonly id: string
  readonly parent?: string
  readonly traceparent?: string
  readonly method: string
  readonly path: string
  readonly startedMs: number
  readonly endedMs?: number
  readonly outcome?: Outcome
  readonly status?: number
  readonly via?: string
  readonly attempts: number
  readonly failed: boolean
}

export const isFailed = (ended: { readonly outcome: Outcome; readonly status?: number | undefined }): boolean =>
  ended.outcome !== 'answered' || (ended.status ?? 200) >= 500

const isRejection = (outcome: Outcome | undefined) => outcome === 'circuit-open' || outcome === 'bulkhead-full'

export const factsOf = (subject: Subject): EdgeFacts | undefined =>
  subject.facts().edges.find(({ name }) => name === subject.name)

/** The tries on an edge in the order in which they began. */
export function attemptsOn({ journal, name: edge }: Subject): Attempt[] {
  const calls = new Map(journal.where({ type: 'call.started', edge }).map((entry) => [entry.call, entry]))
  const key = (entry: { call: string; attempt: number }) => `${entry.call}#${entry.attempt}`
  const ends = new Map(journal.where({ type: 'attempt.ended', edge }).map((entry) => [key(entry), entry]))
  const hits = new Map(journal.where({ type: 'fault.hit', edge }).map((entry) => [key(entry), entry]))
  return journal.where({ type: 'attempt.started', edge }).map((entry) => {
    const hit = hits.get(key(entry))
    const call = calls.get(entry.call)
    const end = ends.get(key(entry))
    const rejected = isRejection(end?.outcome)
    return {
      seq: entry.seq,
      call: entry.call,
      retry: entry.attempt,
      method: call?.method ?? '?',
      path: call?.path ?? '?',
      startedMs: entry.t,
      failed: end !== undefined && !rejected && isFailed(end),
      rejected,
      ...(end && { endedSeq: end.seq, endedMs: end.t, outcome: end.outcome }),
      ...(end?.status !== undefined && { status: end.status }),
      ...(hit && { fault: `${hit.kind} ${hit.fault}` }),
    }
  })
}

/** The calls on an edge in the order in which they began. */
export function callsOn({ journal, name: edge }: Subject): EdgeCall[] {
  const ends = new Map(journal.where({ type: 'call.ended', edge }).map((entry) => [entry.call, entry]))
  return journal.where({ type: 'call.started', edge }).map((entry) => {
    const end = ends.get(entry.call)
    return {
      seq: entry.seq,
      id: entry.call,
      method: entry.method,
      path: entry.path,
      startedMs: entry.t,
      attempts: end?.attempts ?? 1,
      failed: end !== undefined && isFailed(end),
      ...(entry.parent !== undefined && { parent: entry.parent }),
      ...(entry.traceparent !== undefined && { traceparent: entry.traceparent }),
      ...(end && { endedSeq: end.seq, endedMs: end.t, outcome: end.outcome }),
      ...(end?.status !== undefined && { status: end.status }),
      ...(end?.via !== undefined && { via: end.via }),
    }
  })
}

/** The most failures in a row, rejections left out. */
export function longestFailureRun(attempts: readonly Attempt[]): number {
  let run = 0
  let longest = 0
  for (const { failed, rejected, outcome } of attempts) {
    if (rejected || outcome === undefined) continue
    run = failed ? run + 1 : 0
    longest = Math.max(longest, run)
  }
  return longest
}
