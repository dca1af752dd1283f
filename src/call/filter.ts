import type { Call } from './call.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import type { Reply } from './reply.ts'

export type Next = (call: Call) => Promise<Reply>

/** The one shape for behaviour: a policy, a fault, a queue. Never throws for what the simulated world does wrong. */
export type Filter = (call: Call, next: Next) => Promise<Reply>

/** The filters as one: the first is outermost. */
export function compose(filters: readonly Filter[], last: Next): Next {
  return filters.reduceRight<Next>((next, filter) => (call) => filter(call, next), last)
}

/** What a filter is built with: once per edge and mesh. The state of a policy lives in the closure of its factory. */
export interface FilterContext {
  /** `orders->payments` */
  readonly edge: string
  readonly clock: Clock
  readonly random: Random
  readonly record: Recorder['record']
}
