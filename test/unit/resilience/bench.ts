import type { Call } from '../../../src/call/call.ts'
import type { Filter, FilterContext, Next } from '../../../src/call/filter.ts'
import { answered, failed, type Reply } from '../../../src/call/reply.ts'
import { createJournal } from '../../../src/journal/journal.ts'
import type { Entry, EntryType } from '../../../src/journal/entry.ts'
import { createRandom } from '../../../src/random/random.ts'
import { manualClock } from '../../support/manual-clock.ts'

export const ok = answered(200, { text: 'ok' })
export const unavailable = answered(503, { text: 'no' })
export const refused = failed('refused')

/** One edge without a mesh around it: a clock, a journal, and calls that are numbered from 1. */
export function bench(seed: string | number = 1) {
  const clock = manualClock()
  const journal = createJournal(() => clock.elapsedMs)
  const context: FilterContext = { edge: 'orders->payments', clock, random: createRandom(seed), record: journal.record }
  let calls = 0
  const newCall = (changes: Partial<Call> = {}): Call => {
    calls++
    return Object.freeze({
      id: String(calls),
      caller: 'orders',
      callee: 'payments',
      edge: 'orders->payments',
      mode: 'sync',
      origin: 'in-process',
      method: 'GET',
      path: '/',
      url: 'http://payments/',
      headers: [],
      body: null,
      attempt: 0,
      nth: calls,
      hops: ['orders', 'payments'],
      signal: new AbortController().signal,
      ...changes,
    })
  }
  /** The entries of a type without `seq` and `type`. */
  const entries = <T extends EntryType>(type: T): Omit<Entry<T>, 'seq' | 'type'>[] =>
    journal.where({ type }).map(({ seq: _seq, type: _type, ...rest }) => rest)
  return { clock, journal, context, newCall, entries, send: (filter: Filter, next: Next) => filter(newCall(), next) }
}

/** Answers with these replies in turn, the last one stays; `seen` are the calls that came. */
export function callee(...replies: Reply[]) {
  const seen: Call[] = []
  const next: Next = async (call) => {
    seen.push(call)
    return replies[Math.min(seen.length, replies.length) - 1]!
  }
  return { next, seen }
}

/** A callee whose answers are given by hand. */
export function slowCallee() {
  const seen: Call[] = []
  const open: ((reply: Reply) => void)[] = []
  const next: Next = (call) => {
    seen.push(call)
    return new Promise((resolve) => open.push(resolve))
  }
  return { next, seen, answer: (index: number, reply: Reply) => open[index]!(reply) }
}

/** A reply whose streamed body tells whether it was cancelled. */
export function streamed(status: number) {
  let isCancelled = false
  const body = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) })
  const reply: Reply = { outcome: 'answered', status, headers: [], body }
  return {
    reply,
    body,
    get isCancelled() {
      return isCancelled
    },
  }
}
