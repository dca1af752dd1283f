import type { HeaderList } from '../call/call.ts'
import { isNetworkFailure, localReply } from '../call/reply.ts'
import type { AnsweredReply, FailedReply, NetworkFailure, Reply } from '../call/reply.ts'
import { isStreamed } from '../call/body.ts'
import { connectRefused, headersTimedOut, notHttpError, otherSideClosed, portOf, readReset } from './wire-errors.ts'

/** As much of a request as its response depends on. */
export interface AskedFor {
  readonly url: string
  /** Default `GET`. A response to `HEAD` has no body. */
  readonly method?: string
}

/**
 * The reply as `fetch` would give it to code inside the mesh: a `Response`; one whose body fails with
 * `TypeError('terminated')` for a failure mid-body; the mesh's own 5xx for what the mesh decided.
 *
 * @throws the `TypeError` of {@link networkError} for a failure before the first header, an `AbortError` when the caller
 * went away.
 */
export function responseFrom(reply: Reply, request: string | AskedFor): Response {
  const { url, method = 'GET' } = typeof request === 'string' ? { url: request } : request
  return at(url, build(reply, url, method))
}

function build(reply: Reply, url: string, method: string): Response {
  if (reply.outcome === 'answered') return answeredResponse(reply, method)
  if (reply.outcome === 'aborted') throw new DOMException('This operation was aborted', 'AbortError')
  if (!isNetworkFailure(reply)) return answeredResponse(localReply(reply), method)
  if (!isMidBody(reply)) throw networkError(reply, url)
  const { status = 200, headers = [], body = new Uint8Array(), declaredLength } = reply.partial ?? {}
  const sent = headers.filter(([name]) => name !== 'content-length')
  if (declaredLength !== undefined) sent.push(['content-length', String(declaredLength)])
  const broken = brokenBody(body, () => networkError(reply, url))
  return new Response(broken, { status, headers: headersOf(sent) })
}

/** What undici's `fetch` rejects with, or what a body half sent fails with. */
export function networkError(reply: FailedReply & { outcome: NetworkFailure }, url: string): TypeError {
  return new TypeError(isMidBody(reply) ? 'terminated' : 'fetch failed', { cause: causeOf(reply.outcome, url) })
}

function causeOf(outcome: NetworkFailure, url: string): Error {
  switch (outcome) {
    case 'refused':
      return connectRefused(portOf(url))
    case 'reset':
    case 'reset-mid-body':
      return readReset()
    case 'closed':
    case 'going-away':
    case 'truncated':
      return otherSideClosed()
    case 'garbage':
      return notHttpError('Expected HTTP/', 'HPE_INVALID_CONSTANT')
    case 'malformed':
      return notHttpError('Invalid character in chunk size', 'HPE_INVALID_CHUNK_SIZE')
    case 'hung':
      return headersTimedOut()
  }
}

export const isMidBody = ({ outcome }: FailedReply): boolean =>
  outcome === 'truncated' || outcome === 'reset-mid-body' || outcome === 'malformed'

/** A body of which `sent` arrives before it fails. */
export function brokenBody(sent: Uint8Array, error: () => Error): ReadableStream<Uint8Array> {
  let isSent = sent.byteLength === 0
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        // Failing a stream throws away what it still holds, so the reader comes first.
        if (isSent) return controller.error(error())
        isSent = true
        controller.enqueue(sent)
      },
    },
    { highWaterMark: 0 },
  )
}

export function headersOf(list: HeaderList): Headers {
  const headers = new Headers()
  for (const [name, value] of list) headers.append(name, value)
  return headers
}

const bodiless: ReadonlySet<number> = new Set([101, 204, 205, 304])

/** An answered reply as a `Response`. */
export function answeredResponse({ status, statusText, headers, body }: AnsweredReply, method = 'GET'): Response {
  const isEmpty = bodiless.has(status) || method === 'HEAD'
  // A copy, because the reader may keep and change it.
  const content = isEmpty || body === null ? null : isStreamed(body) ? body : new Uint8Array(body)
  return new Response(content, { status, statusText: statusText ?? '', headers: headersOf(headers) })
}

/** A constructed response has no address of its own; one that `fetch` gives has. */
function at(url: string, response: Response): Response {
  return Object.defineProperty(response, 'url', { value: url, configurable: true })
}
