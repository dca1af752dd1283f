import type { HeaderList } from '../../call/call.ts'

/** As much as a head may take until its end has to be seen; what has a longer one is passed on without being read. */
const maxHeadBytes = 64 * 1024

/** What the first bytes on a connection are. */
export type Look =
  /** Not to be told yet. */
  | { readonly kind: 'incomplete' }
  /** The head of a request in HTTP/1. */
  | { readonly kind: 'request'; readonly request: RequestHead }
  /** Lines of text that are no request, or one without end. */
  | { readonly kind: 'unreadable' }
  /** TLS, or HTTP/2 from the first byte on: nothing that could be read or answered in text. */
  | { readonly kind: 'opaque' }

export interface RequestHead {
  /** `POST /charges` */
  readonly line: string
  readonly headers: HeaderList
  /** The head with `connection: close`, so that the connection ends with the answer; untouched where it asks for a WebSocket. */
  readonly closing: Buffer
  /** Where the body begins. */
  readonly length: number
}

const tlsHandshake = 0x16
const http2 = Buffer.from('PRI * HTTP/2.0\r\n')
const headEnd = Buffer.from('\r\n\r\n')

export function lookAt(bytes: Buffer): Look {
  if (bytes.length === 0) return { kind: 'incomplete' }
  if (bytes[0] === tlsHandshake) return { kind: 'opaque' }
  const isLikeHttp2 = http2.subarray(0, bytes.length).equals(bytes.subarray(0, http2.length))
  if (isLikeHttp2) return { kind: bytes.length < http2.length ? 'incomplete' : 'opaque' }
  const start = pastEmptyLines(bytes)
  const end = bytes.indexOf(headEnd, start)
  if (end < 0) return { kind: bytes.length > maxHeadBytes || endsLinesWrong(bytes) ? 'unreadable' : 'incomplete' }
  // Every byte is a character and comes out as the same byte.
  const [line = '', ...lines] = bytes.toString('latin1', start, end).split('\r\n')
  const [, request] = /^(\S+ \S.*) HTTP\/1\.[01]$/.exec(line) ?? []
  if (request === undefined) return { kind: 'unreadable' }
  const closing = Buffer.from([line, ...closingLines(lines)].join('\r\n') + '\r\n\r\n', 'latin1')
  return { kind: 'request', request: { line: request, headers: lines.map(header), closing, length: end + 4 } }
}

/** Empty lines before a request are no part of it (RFC 9112, section 2.2). */
function pastEmptyLines(bytes: Buffer): number {
  let start = 0
  while (bytes[start] === 0x0d && bytes[start + 1] === 0x0a) start += 2
  return start
}

/** A head whose lines end with a mere LF never comes to the end that others have. */
const endsLinesWrong = (bytes: Buffer) => bytes.includes('\n\n')

function header(line: string): [string, string] {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

function closingLines(lines: readonly string[]): string[] {
  const isAbout = (names: RegExp) => (line: string) => names.test(header(line)[0])
  const options = lines
    .filter(isAbout(/^connection$/))
    .flatMap((line) => header(line)[1].split(','))
    .map((option) => option.trim())
  const isSocket = lines.some((line) => isAbout(/^upgrade$/)(line) && header(line)[1].toLowerCase() === 'websocket')
  if (isSocket && options.some((option) => option.toLowerCase() === 'upgrade')) return [...lines]
  // No mesh takes another offer, and a connection kept because of it would bring it the next request, whosever that is.
  const others = options.filter((option) => !/^(|keep-alive|close|upgrade|http2-settings)$/i.test(option))
  const rest = lines.filter(
    (line) => !isAbout(/^(connection|keep-alive|proxy-connection|upgrade|http2-settings)$/)(line),
  )
  return [...rest, `connection: ${[...others, 'close'].join(', ')}`]
}
