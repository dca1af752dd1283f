import type { Call } from '../call/call.ts'
import type { Outcome, Reply } from '../call/reply.ts'
import type { SpanSide } from './ids.ts'

export type SpanAttributes = Record<string, string | number | boolean>

// The names and rules are those of OpenTelemetry's stable HTTP semantic conventions (1.45.0). Any other method is
// written as _OTHER, so that a client cannot make names without end.
const knownMethods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'])

const isKnown = (method: string) => knownMethods.has(method)

function methodAttributes(method: string): SpanAttributes {
  return isKnown(method)
    ? { 'http.request.method': method }
    : { 'http.request.method': '_OTHER', 'http.request.method_original': method }
}

function targetAttributes({ path }: Pick<Call, 'path'>): SpanAttributes {
  const question = path.indexOf('?')
  return question === -1
    ? { 'url.path': path }
    : { 'url.path': path.slice(0, question), 'url.query': path.slice(question + 1) }
}

function parsedUrl(text: string): URL | undefined {
  // Twice per call: asking URL.canParse first would parse each of them twice.
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

const scheme = (url: URL | undefined) => url?.protocol.slice(0, -1) || 'http'

export function clientAttributes(call: Pick<Call, 'url' | 'method' | 'path' | 'callee' | 'attempt'>): SpanAttributes {
  const url = parsedUrl(call.url)
  return {
    ...methodAttributes(call.method),
    'url.full': call.url,
    ...targetAttributes(call),
    'server.address': url?.hostname || call.callee,
    'server.port': Number(url?.port) || (scheme(url) === 'https' ? 443 : 80),
    ...(call.attempt > 0 && { 'http.request.resend_count': call.attempt }),
  }
}

export function serverAttributes(
  call: Pick<Call, 'url' | 'method' | 'path' | 'callee'>,
  instance: string,
): SpanAttributes {
  const url = parsedUrl(call.url)
  return {
    ...methodAttributes(call.method),
    ...targetAttributes(call),
    'url.scheme': scheme(url),
    'server.address': url?.hostname || call.callee,
    // The conventions know the instance of a resource; here one provider stands for all instances of a service.
    'service.instance.id': instance,
  }
}

/** `GET` for a client; `GET /items/:id` for a server that knows its route, else `GET`. */
export function spanName(method: string, route?: string): string {
  const verb = isKnown(method) ? method : 'HTTP'
  return route === undefined ? verb : `${verb} ${route}`
}

/** What of a reply a span tells. */
export interface ReplyFacts {
  readonly outcome: Outcome
  /** Of the answer, or of the part of it that came before the failure. */
  readonly status?: number
}

export function replyFacts(reply: Reply): ReplyFacts {
  const status = reply.outcome === 'answered' ? reply.status : reply.partial?.status
  return status === undefined ? { outcome: reply.outcome } : { outcome: reply.outcome, status }
}

/** What an answer adds to its span. A 4xx is an error of the one who asked, a 5xx of both, a failure always. */
export function replyAttributes(
  { outcome, status }: ReplyFacts,
  side: SpanSide,
): { attributes: SpanAttributes; isError: boolean } {
  const isAnswered = outcome === 'answered'
  const isError = !isAnswered || (status ?? 0) >= (side === 'client' ? 400 : 500)
  return {
    attributes: {
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(isError && { 'error.type': isAnswered ? String(status) : outcome }),
    },
    isError,
  }
}
