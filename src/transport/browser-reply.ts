import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import type { HeaderList } from '../call/call.ts'
import { header } from '../call/call.ts'
import { localReply } from '../call/reply.ts'
import type { AnsweredReply, FailureOutcome, Reply } from '../call/reply.ts'
import { MeshError } from '../errors.ts'
import type { Clock } from '../time/clock.ts'
import { isStreamed } from '../call/body.ts'

/** What `route.fulfill` takes. */
export interface Fulfilment {
  status: number
  headers: Record<string, string>
  body: Buffer
}

interface Asked {
  readonly method: string
  /** The page's origin, if the request is not to it. */
  readonly crossOrigin: string | undefined
  /** Aborts when the page goes away. */
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** What a page sees of each network failure: the error codes that `route.abort` takes, `net::ERR_...` in Chromium. */
const abortCodes: Partial<Record<FailureOutcome, string>> = {
  refused: 'connectionrefused',
  reset: 'connectionreset',
  closed: 'connectionclosed',
  // A route is answered whole or not at all, so the part that came before the break is lost.
  'reset-mid-body': 'connectionreset',
  truncated: 'connectionclosed',
  hung: 'timedout',
  'going-away': 'connectionclosed',
  // A route has no word for bytes that are no HTTP: a page sees `net::ERR_FAILED`.
  garbage: 'failed',
  malformed: 'failed',
  aborted: 'aborted',
}

/** The reply as a route gives it to a page. */
export async function fulfilment(reply: Reply, asked: Asked): Promise<Fulfilment | { abort: string }> {
  if (reply.outcome !== 'answered') {
    const abort = abortCodes[reply.outcome]
    return abort === undefined ? fulfilment(localReply(reply), asked) : { abort }
  }
  const body = await bodyOf(reply, asked)
  if ('abort' in body) return body
  return {
    status: reply.status,
    headers: headersFor(reply, asked.crossOrigin),
    body: asked.method === 'HEAD' ? Buffer.alloc(0) : decoded(body.bytes, header(reply.headers, 'content-encoding')),
  }
}

// ---- bodies

/** An event stream that says nothing for this long is handed over as it is: it may never end. */
const quietMs = 500
/** So is one that has talked for this long. */
const eventsLimitMs = 2_000
/** Nobody waits for more than this; a stream that is longer has no end. */
const limitBytes = 64 * 1024 * 1024

type Whole = { bytes: Buffer } | { abort: string }

async function bodyOf({ body, headers }: AnsweredReply, { signal, clock }: Asked): Promise<Whole> {
  if (!isStreamed(body)) return { bytes: Buffer.from(body ?? []) }
  const isEvents = (header(headers, 'content-type') ?? '').startsWith('text/event-stream')
  const reader = body.getReader()
  const cancel = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  const startedAt = clock.now()
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const patienceMs = Math.min(quietMs, startedAt + eventsLimitMs - clock.now())
      const read = isEvents ? await within(patienceMs, clock, reader.read()) : await reader.read()
      if (read === 'quiet') {
        cancel()
        break
      }
      if (read.done) break
      chunks.push(read.value)
      size += read.value.byteLength
      if (size > limitBytes) {
        cancel()
        throw new MeshError(
          'MESH_LIMIT',
          `A page got an answer without end: it was cut off at ${limitBytes >> 20} MiB.`,
          {
            fix: 'A route can only answer whole. Let the page use mesh.url(...) for this service, which streams.',
          },
        )
      }
    }
  } catch (error) {
    if (MeshError.is(error)) throw error
    return { abort: (error as { code?: unknown })?.code === 'ECONNRESET' ? 'connectionreset' : 'connectionclosed' }
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  return { bytes: Buffer.concat(chunks) }
}

async function within<T>(ms: number, clock: Clock, work: Promise<T>): Promise<T | 'quiet'> {
  let stop = () => {}
  const quiet = new Promise<'quiet'>((resolve) => (stop = clock.timer(Math.max(0, ms), () => resolve('quiet'))))
  try {
    return await Promise.race([work, quiet])
  } finally {
    stop()
  }
}

/** A browser takes what a route gives it for decoded. */
function decoded(bytes: Buffer, encoding: string | undefined): Buffer {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes)
    case 'deflate':
      return inflateSync(bytes)
    case 'br':
      return brotliDecompressSync(bytes)
    default:
      return bytes
  }
}

// ---- headers

/** These describe how bytes travelled, which they do not here. */
const framing = new Set(['content-length', 'transfer-encoding', 'content-encoding', 'connection', 'keep-alive'])

function headersFor({ headers }: AnsweredReply, crossOrigin: string | undefined): Record<string, string> {
  const record: Record<string, string> = {}
  for (const [name, value] of headers) {
    if (framing.has(name)) continue
    // Playwright takes several cookies as lines of one value; other repeated headers are a list.
    record[name] = name in record ? `${record[name]}${name === 'set-cookie' ? '\n' : ', '}${value}` : value
  }
  if (crossOrigin === undefined || 'access-control-allow-origin' in record) return record
  return {
    ...record,
    'access-control-allow-origin': crossOrigin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': Object.keys(record).join(', '),
    vary: record['vary'] === undefined ? 'Origin' : `${record['vary']}, Origin`,
  }
}

/** Allows whatever the page is about to send. */
export function preflight(headers: HeaderList): Fulfilment {
  const requested = header(headers, 'access-control-request-headers')
  return {
    status: 204,
    headers: {
      'access-control-allow-origin': header(headers, 'origin') ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': header(headers, 'access-control-request-method') ?? '*',
      ...(requested !== undefined && { 'access-control-allow-headers': requested }),
      vary: 'Origin',
    },
    body: Buffer.alloc(0),
  }
}
