import { failed } from '../call/reply.ts'
import type { Body, Reply } from '../call/reply.ts'

/** Types that are streams by their nature, however quickly the first chunks come. */
const streamed = /^(text\/event-stream|application\/x-ndjson|multipart\/x-mixed-replace)/

/** Promise jobs within which a body that was there as a whole has given all its chunks. */
const jobsOfWholeBody = 24

/** What a handler returned, as a reply. */
export async function replyOf(response: Response): Promise<Reply> {
  if (response.type === 'error')
    return failed('reset', { processed: true, message: 'the handler answered with HttpResponse.error()' })
  const headers = [...response.headers].map(([name, value]) => [name, value] as const)
  return Object.freeze({
    outcome: 'answered',
    status: response.status,
    ...(response.statusText && { statusText: response.statusText }),
    headers,
    body: await bodyOf(response),
  })
}

/**
 * Bytes where the body was there all at once (text, JSON, bytes, a stream that was filled before it was returned), else a
 * stream: what has to be waited for is sent as it comes.
 */
async function bodyOf({ body, headers }: Response): Promise<Body> {
  if (body === null) return null
  if (streamed.test(headers.get('content-type') ?? '')) return body
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  for (;;) {
    const read = reader.read()
    const now = await within(read, jobsOfWholeBody)
    if (!now) return rest(reader, read, chunks)
    if (now.done) return joined(chunks)
    chunks.push(now.value)
  }
}

/** What a promise gives if it does so within a number of promise jobs, in which no time passes and no I/O happens. */
async function within<T>(promise: Promise<T>, jobs: number): Promise<T | undefined> {
  let settled: { value: T } | { error: unknown } | undefined
  promise.then(
    (value) => (settled = { value }),
    (error: unknown) => (settled = { error }),
  )
  for (let job = 0; job < jobs && !settled; job++) await undefined
  if (settled && 'error' in settled) throw settled.error
  return settled?.value
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

/** The chunks that were read, then the others as they come. */
function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  pending: Promise<ReadableStreamReadResult<Uint8Array>>,
  chunks: readonly Uint8Array[],
): ReadableStream<Uint8Array> {
  let next: Promise<ReadableStreamReadResult<Uint8Array>> | undefined = pending
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk)
      },
      async pull(controller) {
        const { done, value } = await (next ?? reader.read())
        next = undefined
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
