import type { Filter, FilterContext } from '../call/filter.ts'
import { LightSignal } from '../call/light-signal.ts'
import { failed, type Reply } from '../call/reply.ts'
import { discard } from './discard.ts'

/**
 * Ends a try after `limitMs` milliseconds with the outcome `timeout` and aborts what still runs behind it; a reply that
 * comes later is dropped. A reply in the very millisecond of the limit is late. When the caller goes away first, the try
 * ends at once as `aborted`, even if what runs behind it takes no notice.
 */
export function timeout(limitMs: number, { edge, clock, record }: FilterContext): Filter {
  return async (call, next) => {
    const left = () => failed('aborted', { message: 'The caller went away before an answer was there.' })
    if (call.signal.aborted) return left()

    const inner = new LightSignal()
    let isOver = false
    let leave!: () => void
    let undo!: () => void
    const cutShort = new Promise<Reply>((resolve) => {
      const end = (reply: Reply, why: unknown) => {
        isOver = true
        resolve(reply)
        inner.abort(why)
      }
      leave = () => end(left(), call.signal.reason)
      // Set before the call is sent, so that of two timers for the same moment the limit fires first.
      undo = clock.timer(limitMs, () => {
        const message = `No answer within ${limitMs} ms.`
        record('timeout.fired', { call: call.id, edge, attempt: call.attempt, afterMs: limitMs })
        end(failed('timeout', { message }), new DOMException(message, 'TimeoutError'))
      })
    })
    call.signal.addEventListener('abort', leave)

    const answer = next(Object.freeze({ ...call, signal: inner.signal })).then((reply) => {
      if (isOver) discard(reply)
      return reply
    })
    try {
      return await Promise.race([cutShort, answer])
    } finally {
      undo()
      call.signal.removeEventListener('abort', leave)
    }
  }
}
