import type { Call } from '../call/call.ts'
import { realSignal } from '../call/light-signal.ts'
import { isStreamed } from '../call/body.ts'

/** A call as the request that a handler gets. */
export function requestFor(call: Call, origin: string): Request {
  const body = call.method === 'GET' || call.method === 'HEAD' ? null : call.body
  const headers = new Headers()
  for (const [name, value] of call.headers) if (!name.startsWith(':')) headers.append(name, value)
  return withSignal(made(origin + call.path, { method: call.method, headers }, body), call.signal)
}

function made(url: string, init: RequestInit, body: Call['body']): Request {
  if (body === null) return new Request(url, init)
  // The bytes are not changed by anyone; a copy would only satisfy the type of a shared buffer.
  if (!isStreamed(body)) return new Request(url, { ...init, body: body as Uint8Array<ArrayBuffer> })
  return new Request(url, { ...init, body, duplex: 'half' } as RequestInit)
}

/** A request that follows a signal costs as much again; few handlers ever look at it. */
function withSignal(request: Request, signal: AbortSignal): Request {
  return Object.defineProperty(request, 'signal', { get: () => realSignal(signal), configurable: true })
}

/**
 * A request as it is handed to MSW, which clones each one once, before a handler sees it, to have it for its log. A copy of a
 * stream that nobody reads keeps all that was ever sent in memory, so that one clone gets no body; those that a handler
 * makes are whole.
 */
export function forMsw(request: Request, { body }: Call): Request {
  if (!isStreamed(body) || Object.hasOwn(request, 'clone')) return request
  let isFirst = true
  const clone = () => {
    if (!isFirst) return Request.prototype.clone.call(request)
    isFirst = false
    return new Request(request.url, { method: request.method, headers: request.headers })
  }
  return Object.defineProperty(request, 'clone', { value: clone, configurable: true })
}
