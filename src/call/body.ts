import type { Body, Call } from './call.ts'

/** By shape, because a stream made in a Jest sandbox is of another realm. */
export const isStreamed = (body: Body): body is ReadableStream<Uint8Array> => body !== null && 'getReader' in body

/** The call with its body read to the end, for what needs it more than once. */
export async function withWholeBody(call: Call): Promise<Call> {
  if (!isStreamed(call.body)) return call
  const bytes = new Uint8Array(await new Response(call.body).arrayBuffer())
  return { ...call, body: bytes.byteLength === 0 ? null : bytes }
}
