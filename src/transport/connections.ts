import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Authority } from './authority.ts'
import type { Connection, ConnectionFacts, Serve, Takeover } from './connection.ts'
import { http1Server } from './http1.ts'
import type { Http2 } from './http2.ts'
import type { Secure } from './secure.ts'
import { reset } from './reset.ts'

export interface ConnectionServerOptions<C> {
  /** Called for each request, of all connections, in the order in which their headers came. */
  readonly serve: Serve<C>
  /** `Upgrade: websocket`. Without it such a request is served as any other. Other upgrades are always served so. */
  readonly upgrade?: Takeover<C>
  /** CONNECT, over HTTP/1.1. Without it the connection is closed, as a server does that is no proxy. */
  readonly connect?: Takeover<C>
  /** Asked when the first client greets with TLS. Without it such connections are closed. */
  readonly authority?: () => Promise<Authority>
  /** The host whose certificate is shown to clients that name none. Default `localhost`, good for 127.0.0.1 and ::1, too. */
  readonly hostOf?: (context: C) => string | undefined
  /** Told what no client can be told, such as an authority that cannot be made. */
  readonly problem: (error: Error) => void
  /** How long the headers of a request may take, in real milliseconds. Default 60 000; the client is then told 408. */
  readonly headersTimeoutMs?: number
}

export interface ConnectionServer<C> {
  /**
   * Takes an accepted socket over and speaks with it what its first bytes ask for: HTTP/1.1, HTTP/2 (h2c with prior
   * knowledge), or TLS with either of them inside. `head`: bytes that were read from it already (after a CONNECT). A
   * stream that came out of `connect` may be handed in again, with another context.
   */
  accept(stream: Duplex, context: C, head?: Uint8Array): void
  /** An RST for every connection. The server stays usable. */
  resetAll(): void
  /** Ends every connection and resolves when all are gone. What is accepted afterwards is destroyed. Idempotent. */
  close(): Promise<void>
}

/** What an HTTP/2 client with prior knowledge begins with, as far as it takes to tell. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n')
/** The type of the record that carries a ClientHello. No method of HTTP begins with it. */
const handshake = 0x16
const nothing = () => {}

/**
 * Speaks HTTP on sockets that somebody else accepted; it never listens itself, so that ports can come and go under it and
 * a proxy can hand in what was a tunnel. Which protocol it is, is told by the first bytes, once per connection: requests
 * on a kept connection pay nothing for it. Heavy parts (HTTP/2, TLS, certificates) load when the first client asks.
 */
export function createConnectionServer<C>(options: ConnectionServerOptions<C>): ConnectionServer<C> {
  const { serve, upgrade, connect, authority, hostOf, problem, headersTimeoutMs = 60_000 } = options
  const sockets = new Set<Socket>()
  /** The sockets under what TLS was taken off, for streams that are handed in again. */
  const below = new WeakMap<Duplex, Socket>()
  let isClosed = false
  let http2: Promise<Http2<C>> | undefined
  let secure: Promise<Secure> | undefined

  // Thrown inside of a parser it would end the process.
  const guarded: Serve<C> = (request, response, wire, context, facts) => {
    try {
      serve(request, response, wire, context, facts)
    } catch (error) {
      problem(error as Error)
      wire.reset()
    }
  }
  const http1 = http1Server<C>({ serve: guarded, upgrade, connect, headersTimeoutMs })

  const failed = (stream: Duplex) => (error: Error) => {
    problem(error)
    stream.destroy()
  }

  /** One layer of bytes: TLS is taken off once, then it must be HTTP. */
  const sniff = (stream: Duplex, socket: Socket, context: C, base: Omit<ConnectionFacts, 'protocol'>, head: Buffer) => {
    const speak = (first: Buffer) => {
      if (first.length === 0) return false
      if (first[0] === handshake && !base.isSecure) {
        hold(stream, socket, first)
        greet(stream, socket, context)
      } else if (first.subarray(0, preface.length).equals(preface.subarray(0, first.length))) {
        // A client may send its preface byte by byte, and `P` alone may become a POST.
        if (first.length < preface.length) return false
        hold(stream, socket, first)
        speakHttp2({ socket, stream, context, facts: { ...base, protocol: 'h2' } })
      } else {
        http1.accept({ socket, stream, context, facts: { ...base, protocol: 'http/1.1' } }, first)
      }
      return true
    }
    if (speak(head)) return

    let seen = head
    const ended = () => void stream.end()
    const waited = () => void stream.destroy()
    const listen = (chunk: Buffer) => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      stream.off('data', listen)
      stream.off('end', ended)
      socket.setTimeout(0)
      socket.off('timeout', waited)
      if (!speak(seen)) wait()
    }
    const wait = () => {
      stream.on('data', listen)
      stream.on('end', ended)
      socket.setTimeout(headersTimeoutMs, waited)
    }
    wait()
  }

  const speakHttp2 = (connection: Connection<C>) => {
    http2 ??= import('./http2.ts').then(({ http2Server }) => http2Server<C>({ serve: guarded }))
    http2.then((server) => {
      if (!connection.stream.destroyed) server.accept(connection)
    }, failed(connection.stream))
  }

  const greet = (stream: Duplex, socket: Socket, context: C) => {
    if (!authority) return void stream.destroy()
    secure ??= Promise.all([import('./secure.ts'), authority()]).then(([{ secureServer }, made]) => secureServer(made))
    // A client that comes after the author has mended what was wrong gets another try.
    secure.catch(() => (secure = undefined))
    secure.then(({ accept }) => {
      if (stream.destroyed) return
      accept(stream, hostOf?.(context) ?? 'localhost', (inner, { serverName, protocol }) => {
        below.set(inner, socket)
        const base = { isSecure: true, ...(serverName && { serverName }) }
        if (protocol === 'h2') speakHttp2({ socket, stream: inner, context, facts: { ...base, protocol } })
        else sniff(inner, socket, context, base, Buffer.alloc(0))
      })
    }, failed(stream))
  }

  const forget = function (this: Socket) {
    sockets.delete(this)
  }
  return {
    accept(stream, context, head) {
      const socket = below.get(stream) ?? (stream as Socket)
      if (isClosed) return void socket.destroy()
      if (!sockets.has(socket)) {
        sockets.add(socket)
        socket.unref()
        // Whatever reads it adds its own; between two readers an error must not end the process.
        socket.on('error', nothing)
        socket.once('close', forget)
      }
      sniff(stream, socket, context, { isSecure: false }, head ? Buffer.from(head) : Buffer.alloc(0))
    },
    resetAll() {
      for (const socket of sockets) reset(socket)
    },
    async close() {
      isClosed = true
      http1.close()
      for (const socket of sockets) socket.destroy()
      await Promise.all(
        [...sockets].map((socket) => socket.closed || new Promise((gone) => socket.once('close', gone))),
      )
    },
  }
}

/** Keeps what was read for the next reader, and reads no more until it comes. */
function hold(stream: Duplex, socket: Socket, read: Buffer): void {
  stream.pause()
  stream.unshift(read)
  // Neither TLS nor HTTP/2 knows of half a connection: their end is an end of both ways.
  socket.allowHalfOpen = false
}
