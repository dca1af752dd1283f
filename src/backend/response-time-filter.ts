import type { Filter, FilterContext } from '../call/filter.ts'
import { failed } from '../call/reply.ts'
import type { ResponseTime } from '../topology/options.ts'
import { sampleResponseTime } from './response-time.ts'

/**
 * Lets the callee take its time before it answers. Each try of each call has its own draw, keyed by edge, call and
 * attempt, so what other calls do cannot change it. A call that aborts meanwhile ends at once as `aborted`, and the
 * callee never sees it.
 */
export function responseTime(spec: ResponseTime | number, { clock, random }: FilterContext): Filter {
  return async (call, next) => {
    const ms = sampleResponseTime(spec, random, `${call.edge} attempt ${call.attempt}`, call.nth)
    if (ms > 0) await clock.sleep(ms, call.signal)
    if (call.signal.aborted)
      return failed('aborted', { message: `The caller went away before ${call.callee} answered.` })
    return next(call)
  }
}
