import type { Call } from '../../call/call.ts'
import type { AnsweredReply, Body } from '../../call/reply.ts'

/** By shape, because a stream made in a Jest sandbox is of another realm. */
export const isStream = (body: Body): body is ReadableStream<Uint8Array> => body !== null && 'getReader' in body

/** The body that travels; null where there is none: an empty one, an answer to HEAD, a status that has none. */
export function travelling({ method }: Call, { status, body }: AnsweredReply): Exclude<Body, null> | null {
  if (method === 'HEAD' || status === 101 || status === 204 || status === 304 || body === null) return null
  return isStream(body) || body.byteLength > 0 ? body : null
}
