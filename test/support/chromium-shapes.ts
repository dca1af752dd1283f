import type { Mesh } from '../../src/index.ts'

type Chaos = Mesh['chaos']

/** What a fetch in a page makes of a fault, in the words of the failed request; `200, then` when it had the head by then. */
export interface ChromiumShape {
  readonly inject: (chaos: Chaos, target: string) => unknown
  /** HTTP/1.1 without TLS. */
  readonly http: string
  /** HTTP/2 over TLS. */
  readonly https: string
  /** What the console says of the handshake of a WebSocket over TLS, which is HTTP/1.1. */
  readonly webSocket: string
}

const duringHandshake = (reason: string) => `Error during WebSocket handshake: ${reason}`
const stream = 'net::ERR_HTTP2_PROTOCOL_ERROR'
const silent = { http: 'TimeoutError', https: 'TimeoutError', webSocket: 'stays CONNECTING' } as const
const silentInBody = { ...silent, http: '200, then TimeoutError', https: '200, then TimeoutError', webSocket: 'opens' }

/** Measured through the proxy of a mesh, with a body of 1,000 bytes and `AbortSignal.timeout()`. */
export const chromiumShapes: Readonly<Record<string, ChromiumShape>> = {
  'outage()': {
    inject: (chaos, target) => chaos.outage(target),
    http: 'net::ERR_CONNECTION_RESET',
    https: 'net::ERR_CONNECTION_RESET',
    webSocket: 'Error in connection establishment: net::ERR_CONNECTION_RESET',
  },
  'reset()': {
    inject: (chaos, target) => chaos.reset(target),
    http: 'net::ERR_CONNECTION_RESET',
    https: stream,
    webSocket: duringHandshake('net::ERR_CONNECTION_RESET'),
  },
  "reset({ at: 'after-headers' })": {
    inject: (chaos, target) => chaos.reset(target, { at: 'after-headers' }),
    http: '200, then net::ERR_CONNECTION_RESET',
    https: `200, then ${stream}`,
    webSocket: duringHandshake('net::ERR_CONNECTION_RESET'),
  },
  "reset({ at: 'mid-body' })": {
    inject: (chaos, target) => chaos.reset(target, { at: 'mid-body' }),
    http: '200, then net::ERR_CONNECTION_RESET',
    https: `200, then ${stream}`,
    webSocket: duringHandshake('net::ERR_CONNECTION_RESET'),
  },
  'close()': {
    inject: (chaos, target) => chaos.close(target),
    http: 'net::ERR_EMPTY_RESPONSE',
    https: stream,
    webSocket: 'Connection closed before receiving a handshake response',
  },
  "close({ at: 'after-headers' })": {
    inject: (chaos, target) => chaos.close(target, { at: 'after-headers' }),
    http: '200, then net::ERR_CONTENT_LENGTH_MISMATCH',
    https: `200, then ${stream}`,
    webSocket: 'Connection closed before receiving a handshake response',
  },
  'truncate()': {
    inject: (chaos, target) => chaos.truncate(target),
    http: '200, then net::ERR_CONTENT_LENGTH_MISMATCH',
    https: `200, then ${stream}`,
    webSocket: 'Connection closed before receiving a handshake response',
  },
  'garbage()': {
    inject: (chaos, target) => chaos.garbage(target),
    // On port 80 it takes them for an answer of HTTP/0.9.
    http: 'ok 64',
    https: stream,
    webSocket: duringHandshake('Invalid status line'),
  },
  'malformedChunk()': {
    inject: (chaos, target) => chaos.malformedChunk(target),
    http: '200, then net::ERR_INVALID_CHUNKED_ENCODING',
    https: stream,
    // Its answer has no body, and so no chunks.
    webSocket: duringHandshake('net::ERR_CONNECTION_RESET'),
  },
  'goAway()': {
    inject: (chaos, target) => chaos.goAway(target),
    http: 'net::ERR_EMPTY_RESPONSE',
    https: 'net::ERR_HTTP2_SERVER_REFUSED_STREAM',
    webSocket: 'Connection closed before receiving a handshake response',
  },
  'abort()': {
    inject: (chaos, target) => chaos.abort(target, { status: 503 }),
    http: '503',
    https: '503',
    webSocket: duringHandshake('Unexpected response code: 503'),
  },
  'hang()': { inject: (chaos, target) => chaos.hang(target), ...silent },
  'loseReply()': { inject: (chaos, target) => chaos.loseReply(target), ...silent },
  'slowHeaders({ ms: 60_000 })': {
    inject: (chaos, target) => chaos.slowHeaders(target, { ms: 60_000 }),
    ...silent,
    webSocket: 'opens',
  },
  'stall({ afterBytes: 4 })': { inject: (chaos, target) => chaos.stall(target, { afterBytes: 4 }), ...silentInBody },
  'slowBody({ chunkBytes: 4, everyMs: 60_000 })': {
    inject: (chaos, target) => chaos.slowBody(target, { chunkBytes: 4, everyMs: 60_000 }),
    ...silentInBody,
  },
}
