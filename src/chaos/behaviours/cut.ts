import { header } from '../../call/call.ts'
import type { Call, HeaderList } from '../../call/call.ts'
import { failed } from '../../call/reply.ts'
import type { AnsweredReply, Reply } from '../../call/reply.ts'
import { isStream, travelling } from './body.ts'

/** How a connection ends in the middle of an answer: with a FIN, or with an RST. */
export type Ending = 'truncated' | 'reset-mid-body'

/**
 * The first `afterBytes` bytes of an answer's body (default: half of it, of a stream its first piece), and the promise of the
 * whole. An answer with a body no longer than that passes as it is, and so does a failure.
 */
export async function cut(call: Call, reply: Reply, ending: Ending, afterBytes?: number): Promise<Reply> {
  if (reply.outcome !== 'answered') return reply
  const body = travelling(call, reply)
  if (body === null)
    // There is nothing to cut; the connection breaks before the headers instead.
    return failed(ending === 'truncated' ? 'closed' : 'reset', { processed: true })
  if (!isStream(body)) {
    const length = afterBytes ?? body.byteLength >> 1
    if (length >= body.byteLength) return reply
    return brokenOff(reply, ending, body.slice(0, length), body.byteLength)
  }
  const declared = lengthIn(reply.headers)
  if (afterBytes === undefined) return brokenOff(reply, ending, await firstPiece(body), declared)
  if (afterBytes > 0) return Object.freeze({ ...reply, body: ended(body, ending, afterBytes) })
  body.cancel().catch(() => {})
  return brokenOff(reply, ending, new Uint8Array(), declared)
}

/** Of a stream only its sender can tell the length. */
function lengthIn(headers: HeaderList): number | undefined {
  const value = header(headers, 'content-length')
  return value === undefined ? undefined : Number(value)
}

function brokenOff({ status, headers }: AnsweredReply, ending: Ending, sent: Uint8Array, declared?: number): Reply {
  return failed(ending, {
    processed: true,
    message: `the connection broke after ${sent.byteLength}${declared === undefined ? '' : ` of ${declared}`} bytes`,
    partial: {
      status,
      headers,
      body: sent,
      ...(declared !== undefined && { declaredLength: declared }),
    },
  })
}

export async function firstPiece(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader()
  try {
    return (await reader.read()).value ?? new Uint8Array()
  } catch {
    // The service's own stream has failed: nothing of it arrives.
    return new Uint8Array()
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** A stream that comes as it is, and breaks after so many bytes: transports tell an RST by the code of the error. */
function ended(stream: ReadableStream<Uint8Array>, ending: Ending, afterBytes: number): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  let left = afterBytes
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (left === 0) {
          reader.cancel().catch(() => {})
          const error = new Error(`The connection broke after ${afterBytes} bytes`)
          return controller.error(ending === 'truncated' ? error : Object.assign(error, { code: 'ECONNRESET' }))
        }
        const { done, value } = await reader.read()
        if (done) return controller.close()
        const piece = value.subarray(0, left)
        left -= piece.byteLength
        controller.enqueue(piece)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
