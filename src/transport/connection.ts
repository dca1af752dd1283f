import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Wire } from './wire.ts'

/** What a connection turned out to speak. */
export interface ConnectionFacts {
  /** Whether there is TLS between here and the client. */
  readonly isSecure: boolean
  readonly protocol: 'http/1.1' | 'h2'
  /** The host that the client named in its TLS greeting (SNI). Absent without TLS, and for addresses, which are never named. */
  readonly serverName?: string
}

/**
 * One accepted connection. `C` is whatever its owner knows of it (who calls whom); it comes back with every request.
 */
export interface Connection<C> {
  /** The socket that was accepted, below all layers: what an RST is sent on. */
  readonly socket: Socket
  /** What HTTP is spoken on: the socket itself, or the TLS on it. */
  readonly stream: Duplex
  readonly context: C
  readonly facts: ConnectionFacts
}

/**
 * One request that was read up to the end of its headers. `request` and `response` are Node's, in HTTP/2 those of its
 * compatibility API, so that one reader serves both; pseudo headers are gone, `:authority` stands as `host`.
 */
export type Serve<C> = (
  request: IncomingMessage,
  response: ServerResponse,
  wire: Wire,
  context: C,
  facts: ConnectionFacts,
) => void

/**
 * A request that takes its connection over (`Upgrade: websocket`, CONNECT). `head` holds what had come after it already.
 * From here on the socket belongs to whoever is told; it still ends with `close()` and `resetAll()`.
 */
export type Takeover<C> = (
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  context: C,
  facts: ConnectionFacts,
  wire: Wire,
) => void

/** Tells the bookkeeper that a request of a connection is under way: a referenced socket keeps the process alive. */
export class UnderWay {
  readonly #socket: Socket
  #count = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get count(): number {
    return this.#count
  }

  readonly begins = (): void => {
    if (this.#count++ === 0) this.#socket.ref()
  }

  readonly ends = (): void => {
    if (--this.#count === 0) this.#socket.unref()
  }
}
