import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { constants, createServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { ReadableOptions } from 'node:stream'
import { UnderWay } from './connection.ts'
import type { Connection, Serve } from './connection.ts'
import type { Wire } from './wire.ts'

export interface Http2<C> {
  /** Bytes that were read already are still to be read from the connection's stream. */
  accept(connection: Connection<C>): void
}

/** What belongs to a connection of HTTP/1.1 and makes a message of HTTP/2 malformed (RFC 9113, 8.2.2). */
const ofConnections = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Streams of one connection at a time, as servers and proxies of the field allow by default, or more. */
const maxConcurrentStreams = 1_000

/**
 * How long a connection may be without a request, in real milliseconds. It is then closed in peace, as servers do it: a
 * client that broke the protocol may otherwise stay for ever, as Node reads no more from it, not even its end.
 */
const idleMs = 300_000

/** As a reader of HTTP/1.1 expects it: pseudo headers are no headers, the authority is the host. */
class Request extends Http2ServerRequest {
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: ReadableOptions,
    lines: readonly string[],
  ) {
    const host = headers[':authority'] as string | undefined
    if (host !== undefined) headers.host ??= host
    super(stream, headers, options, headerLines(lines))
  }
}

function headerLines(pairs: readonly string[]): string[] {
  const lines: string[] = []
  let hasHost = false
  let authority: string | undefined
  for (let i = 0; i < pairs.length; i += 2) {
    const [name, value] = [pairs[i]!, pairs[i + 1]!]
    if (name === ':authority') authority = value
    if (name.startsWith(':')) continue
    hasHost ||= name === 'host'
    lines.push(name, value)
  }
  return authority !== undefined && !hasHost ? ['host', authority, ...lines] : lines
}

/** As a writer of HTTP/1.1 uses it: there is no reason phrase, and no header that is about the connection. */
class Response extends Http2ServerResponse<Request> {
  override writeHead(status: number, ...rest: unknown[]): this {
    const given = rest.at(-1)
    const lines = Array.isArray(given) ? (given as string[]) : Object.entries(given ?? {}).flat()
    const named = new Set<string>()
    for (let i = 0; i < lines.length; i += 2)
      if (lines[i]!.toLowerCase() === 'connection')
        for (const token of lines[i + 1]!.split(',')) named.add(token.trim().toLowerCase())
    // Grouped by name, because only that keeps several values of one name on all versions of Node.
    const headers: OutgoingHttpHeaders = {}
    for (let i = 0; i < lines.length; i += 2) {
      const name = lines[i]!.toLowerCase()
      if (ofConnections.has(name) || named.has(name)) continue
      const before = headers[name]
      headers[name] = before === undefined ? lines[i + 1]! : [before as string | string[], lines[i + 1]!].flat()
    }
    return super.writeHead(status, headers)
  }
}

// A stream that its client cancelled was ended by that, too; of an answer it means that it was sent.
Object.defineProperty(Response.prototype, 'writableFinished', {
  get(this: Response) {
    const { writableFinished, aborted } = this.stream
    return writableFinished && !aborted
  },
})

/** HTTP/2 over streams that others accepted, with or without TLS. Each stream of a connection is a request of its own. */
export function http2Server<C>({ serve }: { readonly serve: Serve<C> }): Http2<C> {
  const bySession = new WeakMap<Http2Session, Connection<C> & { readonly underWay: UnderWay }>()
  let opening: Connection<C> | undefined

  const handle = (request: Request, response: Response) => {
    const { stream } = response
    const connection = stream.session && bySession.get(stream.session)
    if (!connection) return
    const { underWay, context, facts } = connection
    underWay.begins()
    stream.once('close', underWay.ends)
    // A client that goes away in the middle is told by 'close'; as an error it would end the process.
    request.on('error', () => {})
    response.on('error', () => {})
    serve(
      // Node's compatibility API, made for what takes the others.
      request as unknown as IncomingMessage,
      response as unknown as ServerResponse,
      wireOf(stream),
      context,
      facts,
    )
  }

  const server = createServer(
    {
      settings: { maxConcurrentStreams, initialWindowSize: 1 << 20 },
      Http2ServerRequest: Request,
      Http2ServerResponse: Response,
    },
    handle,
  )
  // Node knows this expectation in lower case alone, and Java writes it otherwise. Any other is a header like all others: the
  // mesh never answers 417.
  server.on('checkExpectation', (request: Request, response: Response) => {
    if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue()
    handle(request, response)
  })
  server.on('session', (session) => {
    if (!opening) return
    const underWay = new UnderWay(opening.socket)
    bySession.set(session, { ...opening, underWay })
    session.setTimeout(idleMs, () => {
      if (underWay.count === 0) session.close()
    })
  })
  server.on('sessionError', () => {})

  return {
    accept(connection) {
      // The session is made, and told, while the event is.
      opening = connection
      server.emit('connection', connection.stream)
      opening = undefined
    },
  }
}

function wireOf(stream: ServerHttp2Stream): Wire {
  const end = (code: number) => {
    if (!stream.destroyed) stream.close(code)
  }
  return {
    refuse: () => end(constants.NGHTTP2_REFUSED_STREAM),
    reset: () => end(constants.NGHTTP2_INTERNAL_ERROR),
    close: () => end(constants.NGHTTP2_CANCEL),
    goAway() {
      const { session, id = 1 } = stream
      // The last stream that was taken: the client may send this one, and all later ones, again.
      if (session && !session.destroyed) session.goaway(constants.NGHTTP2_NO_ERROR, Math.max(0, id - 2))
      end(constants.NGHTTP2_REFUSED_STREAM)
      session?.close()
    },
  }
}
