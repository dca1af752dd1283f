import { failed } from '../../call/reply.ts'
import type { FaultBehaviour } from '../fault.ts'
import { isStream, travelling } from './body.ts'
import { firstPiece } from './cut.ts'

/** The service answers in chunks: the head, half of the body, then a chunk whose size is no number, and a FIN. */
export const malformedChunk = (): FaultBehaviour => ({
  kind: 'malformed-chunk',
  options: {},
  act: async (call, next) => {
    const reply = await next(call)
    if (reply.outcome !== 'answered') return reply
    // What has no body has no chunks: the connection breaks before the headers instead.
    if (call.method === 'HEAD' || reply.status === 101 || reply.status === 204 || reply.status === 304)
      return failed('reset', { processed: true })
    const body = travelling(call, reply) ?? new Uint8Array()
    const sent = isStream(body) ? await firstPiece(body) : body.slice(0, body.byteLength >> 1)
    return failed('malformed', {
      processed: true,
      message: `after ${sent.byteLength} bytes came a chunk without a size`,
      partial: {
        status: reply.status,
        headers: reply.headers.filter(([name]) => name !== 'content-length'),
        body: sent,
      },
    })
  },
})
