import type { Filter, FilterContext } from '../call/filter.ts'
import { failed } from '../call/reply.ts'
import { replyDelayMs, replyFrom } from '../call/reply-spec.ts'
import type { ReplySpec } from '../topology/options.ts'
import { discard } from './discard.ts'
import { failureWord, wantsFallback } from './failure.ts'

/**
 * Answers with `spec` in place of any failure, rejections by the circuit and the bulkhead included. Not for a caller
 * that went away, which is also how a hung call ends when no time-out ends it.
 *
 * @throws MeshError `MESH_INVALID_OPTION` for a spec that is no reply, when built and not when first needed.
 */
export function fallback(spec: ReplySpec, { edge, clock, record }: FilterContext): Filter {
  const answer = Object.freeze({ ...replyFrom(spec), via: 'fallback' as const })
  const delayMs = replyDelayMs(spec)
  return async (call, next) => {
    const reply = await next(call)
    if (!wantsFallback(reply)) return reply
    discard(reply)
    if (delayMs > 0) await clock.sleep(delayMs, call.signal)
    if (call.signal.aborted) return failed('aborted', { message: 'The caller went away before the fallback answered.' })
    record('fallback.used', { call: call.id, edge, reason: failureWord(reply), status: answer.status })
    return answer
  }
}
