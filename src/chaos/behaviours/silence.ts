import type { Call } from '../../call/call.ts'
import { failed } from '../../call/reply.ts'
import type { Reply } from '../../call/reply.ts'

/** Waits until the caller gives up (or the mesh stops): nothing else ends a call that gets no answer. */
export function silence(call: Call, stopping: AbortSignal, processed: boolean): Promise<Reply> {
  return new Promise((resolve) => {
    const signals = [call.signal, stopping]
    const end = () => {
      for (const signal of signals) signal.removeEventListener('abort', end)
      resolve(failed('hung', { processed, message: processed ? 'the reply was lost' : 'no answer came' }))
    }
    if (signals.some((signal) => signal.aborted)) return end()
    for (const signal of signals) signal.addEventListener('abort', end, { once: true })
  })
}
