import http from 'node:http'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Call, HeaderList } from '../call/call.ts'
import { failed } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'

/** Headers that belong to one connection and are never passed on (RFC 9110, section 7.6.1). */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Sends a call on to a real HTTP service and gives its answer, unread: the body streams through. What goes wrong on the way
 * becomes the outcome it is. Never rejects. The connection is not kept.
 */
export function forward(upstream: string, call: Call): Promise<Reply> {
  const base = new URL(upstream)
  const prefix = base.pathname.replace(/\/$/, '')
  const headers: Record<string, string[]> = Object.create(null)
  for (const [name, value] of call.headers) if (!hopByHop.has(name)) (headers[name] ??= []).push(value)
  // Without a length it would be sent in chunks, which not every service takes.
  if (call.body) headers['content-length'] = [String(call.body.byteLength)]
  const { request } = base.protocol === 'https:' ? https : http
  return new Promise((resolve) => {
    if (call.signal.aborted) return resolve(failed('aborted'))
    const outgoing = request(base.origin + prefix + call.path, {
      method: call.method,
      headers,
      agent: false,
      signal: call.signal,
    })
    outgoing.once('response', (incoming) => resolve(answeredFrom(incoming, call.method)))
    outgoing.on('error', (error) => resolve(failureFrom(error, upstream, call.signal)))
    outgoing.end(call.body ?? undefined)
  })
}

function answeredFrom(incoming: IncomingMessage, method: string): Reply {
  const { statusCode: status = 200, statusMessage: statusText = '', rawHeaders } = incoming
  const headers: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!.toLowerCase(), rawHeaders[i + 1]!])
  const sent: HeaderList = headers.filter(([name]) => !hopByHop.has(name))
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304
  if (!hasBody) incoming.resume()
  // Node types its web streams apart from the DOM's; they are the same.
  const body = hasBody ? (Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>) : null
  return Object.freeze({ outcome: 'answered', status, statusText, headers: sent, body })
}

function failureFrom(error: NodeJS.ErrnoException, upstream: string, signal: AbortSignal): Reply {
  const message = `${upstream}: ${error.message}`
  if (signal.aborted) return failed('aborted', { message })
  if (error.code === 'ECONNRESET') return failed(error.message === 'socket hang up' ? 'closed' : 'reset', { message })
  // Nobody there: no such host, no way to it, nothing that listens.
  return failed('refused', { message })
}
