import type { Filter, FilterContext } from '../call/filter.ts'
import { failed } from '../call/reply.ts'
import type { RetryOptions } from '../topology/options.ts'
import { backoffMs, retryAfterMs } from './backoff.ts'
import { discard } from './discard.ts'
import { defaultFailureConditions, matchesFailure } from './failure.ts'

/**
 * Sends a call again after a failure, at most `attempts` times after the first try; the last reply stands. Each try
 * travels as a copy of the call with its number in `attempt`. A `Retry-After` longer than the backoff replaces it.
 *
 * Once the call's signal has aborted nothing is sent any more; a call that aborts while it waits ends as `aborted`.
 */
export function retry(options: RetryOptions, context: FilterContext): Filter {
  const { attempts, backoff, on = defaultFailureConditions, honourRetryAfter = true } = options
  const { edge, clock, record } = context
  return async (call, next) => {
    for (let attempt = 0; ; attempt++) {
      const reply = await next(Object.freeze({ ...call, attempt }))
      const reason = matchesFailure(on, reply)
      if (reason === undefined || attempt >= attempts || call.signal.aborted) return reply
      const asked = honourRetryAfter ? retryAfterMs(reply, clock.date?.() ?? clock.now()) : undefined
      const delayMs = Math.max(backoffMs(backoff, context, call, attempt), asked ?? 0)
      record('retry.scheduled', { call: call.id, edge, attempt: attempt + 1, delayMs, reason })
      discard(reply)
      // No timer for no wait: a 0 ms timer costs a turn on a real clock and a whole millisecond on some virtual ones.
      if (delayMs > 0) await clock.sleep(delayMs, call.signal)
      if (call.signal.aborted) return failed('aborted', { message: 'The caller went away before the next retry.' })
    }
  }
}
