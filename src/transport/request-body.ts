import type { IncomingMessage } from 'node:http'
import { streamOf } from './message-stream.ts'

/** The most that is kept of the body of one request. One with more is answered 413, and never becomes a call. */
export const bodyLimitBytes = 64 * 1024 * 1024

/** Whether a request says that a body follows its headers. */
export function announcesBody(request: IncomingMessage): boolean {
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined) return true
  if (headers['content-length'] !== undefined) return headers['content-length'] !== '0'
  // In HTTP/2 neither is needed: the headers carry the end of the stream, or do not.
  const { stream } = request as { stream?: { endAfterHeaders?: boolean } }
  return stream?.endAfterHeaders === false
}

export interface RequestStream {
  readonly stream: ReadableStream<Uint8Array>
  /** The answer is complete: what nobody reads any more is thrown away, so that the connection can serve the next request. */
  answered(): void
}

/** The body of a request as it comes. Whoever cancels throws the rest away; a client that goes away is an ECONNRESET. */
export function uploadOf(request: IncomingMessage): RequestStream {
  const drain = () => void request.resume()
  const stream = streamOf(request, {
    lost: () => Object.assign(new Error('The client went away'), { code: 'ECONNRESET' }),
    cancelled: drain,
  })
  return {
    stream,
    answered() {
      // Cancelling a stream that is over does nothing.
      if (!stream.locked) void stream.cancel().catch(() => {})
    },
  }
}

/** The whole body, null without one, `lost` when the client went away before its end. */
export function readBody(request: IncomingMessage): Promise<Uint8Array | null | 'lost' | 'too-large'> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const tooLarge = () => {
      chunks.length = 0
      resolve('too-large')
    }
    if (Number(request.headers['content-length']) > bodyLimitBytes) tooLarge()
    // What is too large is read on and forgotten: a client that is still sending would not read the answer.
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > bodyLimitBytes) tooLarge()
      else chunks.push(chunk)
    })
    request.once('end', () => resolve(chunks.length === 0 ? null : new Uint8Array(Buffer.concat(chunks))))
    request.once('error', () => resolve('lost'))
    request.once('close', () => resolve('lost'))
  })
}
