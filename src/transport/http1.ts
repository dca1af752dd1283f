import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { natives } from '../time/natives.ts'
import { UnderWay } from './connection.ts'
import type { Connection, Serve, Takeover } from './connection.ts'
import type { Wire } from './wire.ts'
import { reset } from './reset.ts'

export interface Http1Options<C> {
  readonly serve: Serve<C>
  readonly upgrade?: Takeover<C> | undefined
  readonly connect?: Takeover<C> | undefined
  readonly headersTimeoutMs: number
}

export interface Http1<C> {
  /** `first`: what was read from the stream already. The stream is flowing, or was never read. */
  accept(connection: Connection<C>, first: Buffer): void
  close(): void
}

/** What a connection has under way. */
interface Talk<C> extends Connection<C> {
  readonly wire: Wire
  readonly underWay: UnderWay
  /** Answers that are owed, in the order of their requests. */
  readonly open: Set<ServerResponse>
  /** The request that is being read, or was read last. */
  last?: IncomingMessage
  /** What is no HTTP is told once, after the answers to what came before it. */
  refusal?: string
  /** What is done with the connection when no answer is owed any more: what was asked for last ends the parser of all before. */
  next?: () => void
}

/** How long a client that was told off may go on sending, so that it gets to read the answer before an RST can overtake it. */
const lingerMs = 1_000

/**
 * Node's own parser over streams that others accepted. What is no HTTP gets 400, 408 or 431 and the end of its connection;
 * answers to pipelined requests keep their order, as Node sees to it.
 */
export function http1Server<C>({ serve, upgrade, connect, headersTimeoutMs }: Http1Options<C>): Http1<C> {
  const talks = new WeakMap<Duplex, Talk<C>>()

  // One for all requests, as this is done for each of them.
  const closed = function (this: ServerResponse) {
    const talk = talks.get(this.req.socket)
    // What has no socket yet is told twice that its connection is gone.
    if (!talk?.open.delete(this)) return
    talk.underWay.ends()
    if (talk.next && talk.open.size === 0 && !talk.stream.destroyed) talk.next()
    if (talk.refusal) refuse(talk)
  }
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const talk = talks.get(request.socket)!
    talk.last = request
    talk.open.add(response)
    talk.underWay.begins()
    response.on('close', closed)
    serve(request, response, talk.wire, talk.context, talk.facts)
  }

  const server = createServer(
    {
      // Kept connections stay until their client, an outage or the mesh ends them.
      keepAliveTimeout: 0,
      headersTimeout: headersTimeoutMs,
      requestTimeout: Math.max(300_000, headersTimeoutMs),
      connectionsCheckingInterval: Math.min(5_000, Math.ceil(headersTimeoutMs / 2)),
    },
    handle,
  )
  // An own property goes around instrumentation that patches the prototype and would report the mesh's inside as the
  // server of the code under test.
  server.emit = EventEmitter.prototype.emit
  // The size of all headers has a limit; a limit of their number would drop the rest silently.
  server.maxHeadersCount = 0
  // Looks for slow clients from now on. A server that listens starts that by itself; this one never does.
  server.emit('listening')

  // Any other expectation than 100-continue is a header like all others: the mesh never answers 417.
  server.on('checkExpectation', handle)
  server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
    const talk = talks.get(stream)
    if (!talk || talk.refusal) return
    if (!stream.writable || error.code === 'ECONNRESET') return void stream.destroy()
    talk.refusal = refusalOf(error.code)
    refuse(talk)
  })
  /** Node has let go of a connection whose protocol is to change, and of who waits for it to drain. Bytes wait in the stream. */
  const afterAnswers = (stream: Duplex, next: () => void) => {
    const talk = talks.get(stream)!
    if (talk.open.size === 0) return next()
    const drained = () => void [...talk.open][0]?.emit('drain')
    stream.on('drain', drained)
    talk.next = () => {
      delete talk.next
      stream.off('drain', drained)
      next()
    }
  }
  const takenOver = (taken: Takeover<C>) => (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => {})
    afterAnswers(stream, () => {
      const { context, facts, wire } = talks.get(stream)!
      talks.delete(stream)
      taken(request, stream, head, context, facts, wire)
    })
  }
  if (connect) server.on('connect', takenOver(connect))
  if (upgrade) {
    const take = takenOver(upgrade)
    server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      if (request.headers.upgrade?.toLowerCase() === 'websocket') take(request, stream, head)
      // Node has let go of the connection, whatever is asked for: it gets the same request anew, without the question.
      else afterAnswers(stream, () => feed(stream, Buffer.concat([withoutUpgrade(request), head])))
    })
  }

  const feed = (stream: Duplex, first: Buffer) => {
    server.emit('connection', stream)
    if (first.length > 0) stream.emit('data', first)
  }
  return {
    accept(connection, first) {
      const { stream, socket } = connection
      const talk: Talk<C> = { ...connection, wire: wireOf(connection), underWay: new UnderWay(socket), open: new Set() }
      talks.set(stream, talk)
      // Answers that wait for their turn have no socket yet, and would never learn that it is gone.
      stream.once('close', () => {
        for (const response of talk.open) if (!response.socket) response.emit('close')
      })
      feed(stream, first)
    },
    close: () => void server.close(),
  }
}

/** Tells what was wrong as soon as all earlier requests have their answers. */
function refuse<C>({ stream, socket, open, last, refusal }: Talk<C>): void {
  // The request that broke off can get no answer of its own any more: this is it.
  const broken = last && !last.complete ? 1 : 0
  if (open.size > broken) return
  const [current] = open
  if (!stream.writable || current?.headersSent) return void stream.destroy()
  stream.end(refusal)
  const lingering = natives.setTimeout(() => socket.destroy(), lingerMs)
  lingering.unref()
  socket.once('close', () => natives.clearTimeout(lingering))
}

function refusalOf(code: string | undefined): string {
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW'
        ? '413 Payload Too Large'
        : code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request'
  return `HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`
}

/** The head of a request as it came, but for what asks to change the protocol. */
export function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i]!, rawHeaders[i + 1]!]
    const lower = name.toLowerCase()
    if (lower === 'upgrade' || lower === 'http2-settings') continue
    const kept =
      lower === 'connection'
        ? value
            .split(',')
            .filter((token) => !/^\s*(upgrade|http2-settings)\s*$/i.test(token))
            .join(',')
        : value
    if (lower !== 'connection' || kept.trim() !== '') lines.push(`${name}: ${kept}`)
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** On TLS, too, the network fails below it: an RST goes past the encryption, a FIN comes after its closing words. */
function wireOf<C>({ socket, stream }: Connection<C>): Wire {
  return {
    refuse: () => reset(socket),
    reset: () => reset(socket),
    close: () => (stream as typeof socket).destroySoon(),
    raw: (bytes) => void stream.write(bytes),
  }
}
