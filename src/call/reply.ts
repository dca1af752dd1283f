import type { Body, HeaderList } from './call.ts'
import type { PeerSocket, Upgrade } from './socket.ts'

export type { Body }

/**
 * What can go wrong on the way, as data. The first group is what a network does, each transport renders it as its own
 * real thing; the second group is what the mesh itself decides, rendered as a local reply with a status.
 */
export type NetworkFailure =
  /** Nothing listens: connection refused, not processed. */
  | 'refused'
  /** RST before any header came back. */
  | 'reset'
  /** FIN before any header came back. */
  | 'closed'
  /** RST in the middle of the body; `partial` holds what was sent before. */
  | 'reset-mid-body'
  /** FIN in the middle of the body; `partial` holds what was sent before. */
  | 'truncated'
  /** No answer; ends only when the caller gives up. */
  | 'hung'
  /** Bytes that are no HTTP in place of an answer, then FIN. */
  | 'garbage'
  /** The head of an answer, then a chunk that breaks the framing; `partial` holds what was sent before. */
  | 'malformed'
  /** The connection says that it goes away and takes nothing more (GOAWAY in HTTP/2, FIN in HTTP/1.1): not processed. */
  | 'going-away'

export type LocalFailure =
  | 'timeout'
  | 'circuit-open'
  | 'bulkhead-full'
  | 'undeclared'
  | 'unhandled'
  | 'hop-limit'
  | 'handler-failed'
  /** The caller went away before an answer was there. */
  | 'aborted'

export type FailureOutcome = NetworkFailure | LocalFailure
export type Outcome = 'answered' | FailureOutcome

export interface AnsweredReply {
  readonly outcome: 'answered'
  readonly status: number
  readonly statusText?: string
  readonly headers: HeaderList
  readonly body: Body
  /** With status 101, the answer to a WebSocket's handshake: what becomes of the connection. */
  readonly upgrade?: Upgrade
  /** What follows a streamed body; asked for when that has come to its end. */
  readonly trailers?: () => HeaderList
  /** Milliseconds over which the head of the answer trickles in, on the mesh's clock. Default 0. */
  readonly headMs?: number
  /** `fallback` when a fallback answered instead of the service. */
  readonly via?: 'fallback' | 'fault'
}

export interface FailedReply {
  readonly outcome: FailureOutcome
  /** One sentence for people; not part of any decision. */
  readonly message?: string
  /** What the client got before a mid-body failure. `declaredLength` is the Content-Length that was promised. */
  readonly partial?: {
    readonly status: number
    readonly headers: HeaderList
    readonly body: Uint8Array
    readonly declaredLength?: number
  }
  /** Of `garbage`: the bytes that came. */
  readonly bytes?: Uint8Array
  /** Whether the callee had processed the request: the difference between a lost request and a lost reply. */
  readonly processed?: boolean
}

export type Reply = AnsweredReply | FailedReply

/** What came of a WebSocket that was opened at a real service: the socket with the headers of its handshake, or another answer. */
export type Dialled = { readonly peer: PeerSocket; readonly headers: HeaderList } | { readonly reply: Reply }

const networkFailures: ReadonlySet<string> = new Set([
  'refused',
  'reset',
  'closed',
  'reset-mid-body',
  'truncated',
  'hung',
  'garbage',
  'malformed',
  'going-away',
])

export const isNetworkFailure = (reply: Reply): reply is FailedReply & { outcome: NetworkFailure } =>
  networkFailures.has(reply.outcome)

/** A reply is a failure if nobody answered, or if the answer is a 5xx. Policies count with this unless told otherwise. */
export const isFailure = (reply: Reply): boolean => reply.outcome !== 'answered' || reply.status >= 500

export function failed(outcome: FailureOutcome, more: Omit<FailedReply, 'outcome'> = {}): FailedReply {
  return Object.freeze({ outcome, ...more })
}

const encoder = new TextEncoder()

/** An answered reply from JSON, text or bytes; sets Content-Type and Content-Length as a server would. */
export function answered(
  status: number,
  content: { json?: unknown; text?: string; body?: Uint8Array; headers?: HeaderList; via?: AnsweredReply['via'] } = {},
): AnsweredReply {
  const headers: [string, string][] = (content.headers ?? []).map(([name, value]) => [name, value])
  const has = (name: string) => headers.some(([key]) => key === name)
  let body: Uint8Array | null = content.body ?? null
  if (content.json !== undefined) {
    body = encoder.encode(JSON.stringify(content.json))
    if (!has('content-type')) headers.push(['content-type', 'application/json'])
  } else if (content.text !== undefined) {
    body = encoder.encode(content.text)
    if (!has('content-type')) headers.push(['content-type', 'text/plain;charset=UTF-8'])
  }
  if (!has('content-length') && status !== 204 && status !== 304)
    headers.push(['content-length', String(body?.byteLength ?? 0)])
  return Object.freeze({ outcome: 'answered', status, headers, body, ...(content.via && { via: content.via }) })
}

/** The status that a sidecar gives for what went wrong, after Envoy's local replies. */
export function localStatus(outcome: FailureOutcome): number {
  switch (outcome) {
    case 'timeout':
      return 504
    case 'undeclared':
    case 'unhandled':
      return 501
    case 'handler-failed':
      return 502
    case 'hop-limit':
      return 508
    default:
      return 503
  }
}

/** The reply of the mesh itself: a failure as an HTTP response that names it in `x-mesh-outcome`. */
export function localReply(reply: FailedReply): AnsweredReply {
  return answered(localStatus(reply.outcome), {
    json: { outcome: reply.outcome, ...(reply.message && { message: reply.message }) },
    headers: [['x-mesh-outcome', reply.outcome]],
  })
}
