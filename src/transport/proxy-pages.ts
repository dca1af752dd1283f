import { header } from '../call/call.ts'
import type { HeaderList } from '../call/call.ts'
import { answered, isNetworkFailure, localReply } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'
import type { Received } from './http-exchange.ts'

// As with routes, pages of any origin get at the services of a mesh, unless a handler decides for itself.

/**
 * The answer to what a browser asks on its own, and no code under test: a preflight, and the icon of a page, which would be an
 * unhandled request of nearly every service. Undefined for any other request.
 */
export function ownReply(
  { method, headers }: Pick<Received, 'method' | 'headers'>,
  { pathname }: URL,
): Reply | undefined {
  if (method === 'GET' && pathname === '/favicon.ico') return answered(404)
  const origin = header(headers, 'origin')
  const wanted = header(headers, 'access-control-request-method')
  if (method !== 'OPTIONS' || origin === undefined || wanted === undefined) return undefined
  const names = header(headers, 'access-control-request-headers')
  return {
    outcome: 'answered',
    status: 204,
    headers: [
      ['access-control-allow-origin', origin],
      ['access-control-allow-credentials', 'true'],
      ['access-control-allow-methods', wanted],
      ...(names === undefined ? [] : [['access-control-allow-headers', names] as const]),
      ...(header(headers, 'access-control-request-private-network') === 'true'
        ? [['access-control-allow-private-network', 'true'] as const]
        : []),
      ['vary', 'Origin'],
    ],
    body: null,
  }
}

/** The reply as a page of another origin may read it. `own` is the origin that was asked. */
export function readableByPages(reply: Reply, asked: HeaderList, own: string): Reply {
  const origin = header(asked, 'origin')
  if (origin === undefined || origin === own) return reply
  if (reply.outcome === 'answered') return { ...reply, headers: opened(reply.headers, origin) }
  if (!isNetworkFailure(reply) && reply.outcome !== 'aborted') {
    const local = localReply(reply)
    return { ...local, headers: opened(local.headers, origin) }
  }
  if (!reply.partial) return reply
  return { ...reply, partial: { ...reply.partial, headers: opened(reply.partial.headers, origin) } }
}

function opened(headers: HeaderList, origin: string): HeaderList {
  if (header(headers, 'access-control-allow-origin') !== undefined) return headers
  return [
    ...headers,
    ['access-control-allow-origin', origin],
    ['access-control-allow-credentials', 'true'],
    ['access-control-expose-headers', [...new Set(headers.map(([name]) => name))].join(', ')],
    ['vary', 'Origin'],
  ]
}
