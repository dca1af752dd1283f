import type { IncomingMessage } from 'node:http'

/** As much as Node's own streams hold back before they ask the sender to wait. */
const BUFFER_BYTES = 64 * 1024

export interface MessageEnds {
  /** The error for a body that does not come to its end. */
  lost(): Error
  /** Nobody reads on. */
  cancelled(): void
}

/** The body of a message as it comes. Nothing but one buffer is read from the connection before somebody asks for it. */
export function streamOf(message: IncomingMessage, { lost, cancelled }: MessageEnds): ReadableStream<Uint8Array> {
  let isOver = false
  // Failing a stream throws away what it still holds, so its reader comes first.
  let failure: Error | undefined
  const strategy = { highWaterMark: BUFFER_BYTES, size: (chunk?: Uint8Array) => chunk?.byteLength ?? 0 }
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (how: () => void) => () => {
          if (isOver) return
          isOver = true
          how()
        }
        message.pause()
        message.on('data', (chunk: Buffer) => {
          if (isOver) return
          controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          if ((controller.desiredSize ?? 0) <= 0) message.pause()
        })
        message.once(
          'end',
          end(() => controller.close()),
        )
        const broken = end(() => {
          failure = lost()
          if (isEmpty(controller)) controller.error(failure)
        })
        message.on('error', broken)
        message.once('close', broken)
      },
      pull(controller) {
        if (!failure) message.resume()
        else if (isEmpty(controller)) controller.error(failure)
      },
      cancel() {
        isOver = true
        cancelled()
      },
    },
    strategy,
  )
}

const isEmpty = ({ desiredSize }: ReadableStreamDefaultController): boolean => desiredSize === BUFFER_BYTES
