import type { Mesh } from '../../src/index.ts'

type Chaos = Mesh['chaos']

/**
 * What a client that is no Node makes of a fault: an exit code of curl, the class of a Python exception, what Go and Java say.
 * `200, then` comes before what is said after the head had arrived; `sent twice` after what the client tried again by itself.
 */
export interface ForeignShape extends Compiled {
  readonly inject: (chaos: Chaos, target: string) => unknown
  readonly curl: number
  readonly http2: number
  readonly urllib: string
  readonly aiohttp: string
}

interface Compiled {
  /** net/http with HTTP/1.1, with and without TLS. */
  readonly go: string
  /** net/http with HTTP/2, which it speaks over TLS. */
  readonly goHttp2: string
  /** java.net.http.HttpClient with HTTP/1.1, with and without TLS. */
  readonly java: string
  readonly javaHttp2: string
  /** java.net.HttpURLConnection, with and without TLS. */
  readonly urlConnection: string
}

const goLimit = (when: string) => `context deadline exceeded (Client.Timeout ${when})`
const beforeHead = goLimit('exceeded while awaiting headers')
const inBody = `200, then ${goLimit('or context cancellation while reading body')}`

const silent = {
  curl: 28,
  http2: 28,
  urllib: 'TimeoutError',
  aiohttp: 'TimeoutError',
  go: beforeHead,
  goHttp2: beforeHead,
  java: 'HttpTimeoutException: request timed out',
  javaHttp2: 'HttpTimeoutException: request timed out',
  urlConnection: 'SocketTimeoutException: Read timed out',
} as const

/** The limit of HttpClient is one for the head; in the body it is that of whoever waits for its future. */
const silentInBody = {
  ...silent,
  go: inBody,
  goHttp2: inBody,
  java: '200, then TimeoutException',
  javaHttp2: '200, then TimeoutException',
  urlConnection: '200, then SocketTimeoutException: Read timed out',
} as const

const goReset = 'read tcp <address>: read: connection reset by peer'
const goStream = (code: string) => `stream error: stream ID 1; ${code}; received from peer`
const javaNothing = 'IOException: HTTP/1.1 header parser received no bytes; sent twice'
const javaPart = (bytes: number) => `200, then IOException: fixed content-length: 20, bytes received: ${bytes}`
const javaStream = (text: string) => `IOException: Received RST_STREAM: ${text}`

/**
 * Measured over a listener: curl 7.88 with HTTP/1.1 and with `--http2-prior-knowledge`, Python 3.11 with urllib and aiohttp 3.8, Go 1.19,
 * Java 17. Each reads 20 bytes of text with a new connection, and waits for a second and a half.
 */
export const foreignShapes: Readonly<Record<string, ForeignShape>> = {
  'outage()': {
    inject: (chaos, target) => chaos.outage(target),
    curl: 7,
    http2: 7,
    urllib: 'URLError ConnectionRefusedError',
    aiohttp: 'ClientConnectorError',
    go: 'dial tcp <address>: connect: connection refused',
    goHttp2: 'dial tcp <address>: connect: connection refused',
    java: 'ConnectException',
    javaHttp2: 'ConnectException',
    urlConnection: 'ConnectException: Connection refused',
  },
  'reset()': {
    inject: (chaos, target) => chaos.reset(target),
    curl: 56,
    http2: 92,
    urllib: 'ConnectionResetError',
    aiohttp: 'ClientOSError',
    go: goReset,
    goHttp2: goStream('INTERNAL_ERROR'),
    java: javaNothing,
    javaHttp2: javaStream('Internal error'),
    urlConnection: 'SocketException: Connection reset; sent twice',
  },
  "reset({ at: 'after-headers' })": {
    inject: (chaos, target) => chaos.reset(target, { at: 'after-headers' }),
    curl: 56,
    http2: 92,
    urllib: 'ConnectionResetError',
    aiohttp: 'ClientPayloadError',
    go: `200, then ${goReset}`,
    goHttp2: `200, then ${goStream('INTERNAL_ERROR')}`,
    java: javaPart(0),
    javaHttp2: `200, then ${javaStream('Internal error')}`,
    urlConnection: '200, then SocketException: Connection reset',
  },
  "reset({ at: 'mid-body' })": {
    inject: (chaos, target) => chaos.reset(target, { at: 'mid-body' }),
    curl: 56,
    http2: 92,
    urllib: 'ConnectionResetError',
    aiohttp: 'ClientPayloadError',
    go: `200, then ${goReset}`,
    goHttp2: `200, then ${goStream('INTERNAL_ERROR')}`,
    java: javaPart(10),
    javaHttp2: `200, then ${javaStream('Internal error')}`,
    urlConnection: '200, then SocketException: Connection reset',
  },
  'close()': {
    inject: (chaos, target) => chaos.close(target),
    curl: 52,
    http2: 92,
    urllib: 'RemoteDisconnected',
    aiohttp: 'ServerDisconnectedError',
    go: 'EOF',
    goHttp2: goStream('CANCEL'),
    java: javaNothing,
    javaHttp2: javaStream('Stream cancelled'),
    urlConnection: 'SocketException: Unexpected end of file from server; sent twice',
  },
  "close({ at: 'after-headers' })": {
    inject: (chaos, target) => chaos.close(target, { at: 'after-headers' }),
    curl: 18,
    http2: 92,
    urllib: 'IncompleteRead',
    aiohttp: 'ClientPayloadError',
    go: '200, then unexpected EOF',
    goHttp2: `200, then ${goStream('CANCEL')}`,
    java: javaPart(0),
    javaHttp2: `200, then ${javaStream('Stream cancelled')}`,
    urlConnection: 'ok 0',
  },
  'truncate()': {
    inject: (chaos, target) => chaos.truncate(target),
    curl: 18,
    http2: 92,
    urllib: 'IncompleteRead',
    aiohttp: 'ClientPayloadError',
    go: '200, then unexpected EOF',
    goHttp2: `200, then ${goStream('CANCEL')}`,
    java: javaPart(10),
    javaHttp2: `200, then ${javaStream('Stream cancelled')}`,
    urlConnection: 'ok 10',
  },
  'garbage()': {
    inject: (chaos, target) => chaos.garbage(target),
    curl: 1,
    http2: 92,
    urllib: 'BadStatusLine',
    aiohttp: 'ClientResponseError',
    go: 'net/http: HTTP/1.x transport connection broken: malformed HTTP response "<bytes>"',
    goHttp2: goStream('INTERNAL_ERROR'),
    java: 'IOException: parsing HTTP/1.1 status line, receiving [<bytes>], parser state [STATUS_LINE]',
    javaHttp2: javaStream('Internal error'),
    urlConnection: 'IOException: Invalid Http response',
  },
  'malformedChunk()': {
    inject: (chaos, target) => chaos.malformedChunk(target),
    curl: 56,
    http2: 92,
    urllib: 'IncompleteRead',
    // It has the head already, and keeps to itself what comes after it; with head and chunk in one piece: ClientResponseError.
    aiohttp: 'TimeoutError',
    go: '200, then invalid byte in chunk length',
    goHttp2: goStream('INTERNAL_ERROR'),
    java: '200, then IOException: Illegal character in chunk size: 116',
    javaHttp2: javaStream('Internal error'),
    urlConnection: '200, then IOException: Bogus chunk size',
  },
  'goAway()': {
    inject: (chaos, target) => chaos.goAway(target),
    curl: 52,
    http2: 18,
    urllib: 'RemoteDisconnected',
    aiohttp: 'ServerDisconnectedError',
    go: 'EOF',
    goHttp2: `${beforeHead}; sent again and again`,
    java: javaNothing,
    javaHttp2: 'IOException: /<address>: GOAWAY received',
    urlConnection: 'SocketException: Unexpected end of file from server; sent twice',
  },
  'loseReply()': { inject: (chaos, target) => chaos.loseReply(target), ...silent },
  'hang()': { inject: (chaos, target) => chaos.hang(target), ...silent },
  'slowHeaders({ ms: 3_000 })': {
    inject: (chaos, target) => chaos.slowHeaders(target, { ms: 3_000 }),
    ...silent,
    // Their limit is one of silence, and a byte comes every 100 ms.
    urllib: 'ok 20',
    urlConnection: 'ok 20',
  },
  'stall({ afterBytes: 4 })': { inject: (chaos, target) => chaos.stall(target, { afterBytes: 4 }), ...silentInBody },
  'slowBody({ chunkBytes: 4, everyMs: 500 })': {
    inject: (chaos, target) => chaos.slowBody(target, { chunkBytes: 4, everyMs: 500 }),
    ...silentInBody,
    urllib: 'ok 20',
    urlConnection: 'ok 20',
  },
}
