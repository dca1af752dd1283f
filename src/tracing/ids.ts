import type { Call } from '../call/call.ts'
import { createRandom, type Random } from '../random/random.ts'

export type SpanSide = 'client' | 'server'

/** Trace and span ids that depend on the seed and the call alone, so that concurrency cannot change them. */
export interface Ids {
  /** 32 lower-case hex digits, never all zeroes, all bytes drawn (so the random flag may be set). */
  traceId(call: Pick<Call, 'id'>, side: SpanSide): string
  /** 16 lower-case hex digits, never all zeroes. */
  spanId(call: Pick<Call, 'id' | 'attempt'>, side: SpanSide): string
}

/**
 * Ids keyed by seed, call, side and (for spans) attempt. Trace ids leave the attempt out: the retries of a call that
 * starts a trace belong to one trace.
 *
 * Only the seed of `random` is used: ids are names, not decisions, so drawing them must not make `random.used` true and
 * every failure message name a seed that explains nothing.
 */
export function createIds({ seed }: Pick<Random, 'seed'>): Ids {
  const random = createRandom(seed)
  const hex = (purpose: string, key: string, words: number): string => {
    let id = ''
    for (let word = 0; word < words; word++)
      id += Math.floor(random.draw(purpose, key, word) * 2 ** 32)
        .toString(16)
        .padStart(8, '0')
    // All zeroes mean "no id" on the wire. Once in 2^64 draws the last digit gives way.
    return /[^0]/.test(id) ? id : `${id.slice(0, -1)}1`
  }
  return {
    traceId: (call, side) => hex('trace-id', `${call.id}/${side}`, 4),
    spanId: (call, side) => hex('span-id', `${call.id}/${call.attempt}/${side}`, 2),
  }
}
