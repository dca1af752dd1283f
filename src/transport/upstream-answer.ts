import type { IncomingMessage } from 'node:http'
import type { Call, HeaderList } from '../call/call.ts'
import { failed } from '../call/reply.ts'
import type { AnsweredReply, FailedReply } from '../call/reply.ts'
import { streamOf } from './message-stream.ts'

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

/** Where a call goes, and with which headers. */
export function addressedTo(base: URL, { path, headers }: Call): { url: string; headers: Record<string, string[]> } {
  const sent: Record<string, string[]> = Object.create(null)
  for (const [name, value] of headers) if (!hopByHop.has(name) && name !== 'expect') (sent[name] ??= []).push(value)
  return { url: base.origin + base.pathname.replace(/\/$/, '') + path, headers: sent }
}

/** The answer of a real service. `broke` tells how its connection ended, should the body not come to its end. */
export function answeredFrom(incoming: IncomingMessage, method: string, broke: () => 'RST' | 'FIN'): AnsweredReply {
  const { statusCode: status = 200, statusMessage: statusText = '', rawHeaders } = incoming
  // Trailers go on to the client, so that what announces them does, too.
  const sent = pairsOf(rawHeaders).filter(([name]) => name === 'trailer' || !hopByHop.has(name))
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304
  if (!hasBody) incoming.resume()
  const body = hasBody ? readable(incoming, broke) : null
  const trailers = () => pairsOf(incoming.rawTrailers).filter(([name]) => !hopByHop.has(name))
  return Object.freeze({ outcome: 'answered', status, statusText, headers: sent, body, trailers })
}

function pairsOf(raw: readonly string[]): HeaderList {
  const pairs: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i]!.toLowerCase(), raw[i + 1]!])
  return pairs
}

/** The body as it comes. Where it breaks off, the error says how: ECONNRESET is an RST, any other a FIN. */
const readable = (incoming: IncomingMessage, broke: () => 'RST' | 'FIN'): ReadableStream<Uint8Array> =>
  streamOf(incoming, {
    lost: () =>
      Object.assign(new Error('the body of the real service broke off'), {
        code: broke() === 'RST' ? 'ECONNRESET' : 'UND_ERR_SOCKET',
      }),
    cancelled: () => void incoming.destroy(),
  })

export function failureFrom(error: NodeJS.ErrnoException, upstream: string, signal: AbortSignal): FailedReply {
  const message = `${upstream}: ${error.message}`
  if (signal.aborted) return failed('aborted', { message })
  if (error.code === 'ECONNRESET') return failed(error.message === 'socket hang up' ? 'closed' : 'reset', { message })
  // Nobody there: no such host, no way to it, nothing that listens, no certificate that is trusted.
  return failed('refused', { message: isUntrusted(error) ? `${message}. ${trustFix}` : message })
}

const isUntrusted = ({ code = '' }: NodeJS.ErrnoException) => /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)

const trustFix = 'Start the tests with NODE_EXTRA_CA_CERTS=<the certificate of its authority>.'
