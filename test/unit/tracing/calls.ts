import { edgeName, type Call } from '../../../src/call/call.ts'
import { createJournal } from '../../../src/journal/journal.ts'
import { createRandom } from '../../../src/random/random.ts'
import { createTracing } from '../../../src/tracing/tracer.ts'

/** A call from orders to payments, or as told. */
export function aCall(changes: Partial<Call> = {}): Call {
  const { caller = 'orders', callee = 'payments', path = '/charges' } = changes
  return Object.freeze({
    id: '1',
    caller,
    callee,
    edge: edgeName(caller, callee),
    mode: 'sync',
    origin: 'handler',
    method: 'POST',
    path,
    url: `http://${callee}${path}`,
    headers: [],
    body: null,
    attempt: 0,
    nth: 1,
    hops: [caller, callee],
    signal: new AbortController().signal,
    ...changes,
  })
}

export const startMs = Date.UTC(2026, 0, 1)

/** Tracing over a journal, with a clock that stands still until told. */
export function aTracing({ seed = 7, services = ['orders', 'payments'] }: { seed?: number; services?: string[] } = {}) {
  let nowMs = startMs
  const journal = createJournal(() => nowMs - startMs)
  const clock = { now: () => nowMs }
  const random = createRandom(seed)
  const tracing = createTracing({ services, random, clock, record: journal.record, jot: journal.jot, startMs })
  return {
    tracing,
    journal,
    random,
    spans: () => journal.where({ type: 'span.ended' }),
    contexts: () => journal.where({ type: 'trace.context' }),
    advance(ms: number) {
      nowMs += ms
    },
  }
}
