import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { ByteEdge, Connection, ConnectionOutcome } from '../call/connection.ts'
import { turns } from '../time/turns.ts'
import { Pipe } from './tcp-pipe.ts'
import { reset } from './reset.ts'

const turnsToRead = 8

/**
 * A client's connection and the one to the real service behind it, byte for byte. Each side's end is handed on as it is: a
 * FIN closes that leg only, an RST tears the other side down, in order with the bytes before it.
 */
export class RelayedConnection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #book: Connection
  readonly #request: Pipe
  readonly #reply: Pipe
  #isConnected = false
  /** Why the service could not be reached. */
  #unreachable: string | undefined
  #isOver = false

  constructor(client: Socket, book: Connection, { upstream, clock }: ByteEdge, onClosed: () => void) {
    const server = connect({ ...upstream, allowHalfOpen: true, noDelay: true })
    this.#client = client
    this.#server = server
    this.#book = book
    const onLimit = (last: Socket, rest: Socket) => (end: 'limited' | 'reset') => {
      this.#over(end)
      if (end === 'reset') return this.#resetSoon()
      if (last !== client) last.destroySoon()
      rest.destroy()
      finish(client)
    }
    const common = { connection: book, clock }
    this.#request = new Pipe(
      {
        ...common,
        leg: 'request',
        from: client,
        to: server,
        onBroken: () => this.#breakOff('client-reset'),
        onLimit: onLimit(server, client),
      },
      false,
    )
    this.#reply = new Pipe(
      {
        ...common,
        leg: 'reply',
        from: server,
        to: client,
        onBroken: () =>
          this.#unreachable === undefined
            ? this.#breakOff('service-reset')
            : this.#tearDown('unreachable', this.#unreachable),
        onLimit: onLimit(client, server),
      },
      true,
    )
    // The client's own socket, or its process, keeps the test alive; a forgotten stop() must not.
    client.unref()
    server.unref()

    server.once('connect', () => {
      this.#isConnected = true
      this.#request.ready()
    })
    server.on('error', (error) => {
      if (!this.#isConnected) this.#unreachable = error.message
      this.#request.stop()
      this.#reply.breakOff()
    })
    client.on('error', () => {
      this.#reply.stop()
      if (this.#isConnected) this.#request.breakOff()
      else this.#tearDown('client-reset')
    })
    let open = 2
    const closed = () => {
      if (--open > 0) return
      this.#over('ended')
      onClosed()
    }
    client.once('close', closed)
    server.once('close', closed)
    this.changed()
  }

  /** The faults have changed. */
  changed(): void {
    if (this.#isOver) return
    const tornDown = this.#book.shape('request').tornDown
    if (tornDown === 'closed') {
      this.#over('closed')
      this.#server.destroy()
      return void finish(this.#client)
    }
    if (tornDown) return this.#tearDown(tornDown)
    this.#request.changed()
    this.#reply.changed()
  }

  /** The mesh lets go of it: both sides see the end of the stream. */
  stop(): void {
    this.#over('stopped')
    this.#client.destroy()
    this.#server.destroy()
  }

  #tearDown(outcome: ConnectionOutcome, message?: string): void {
    this.#over(outcome, message)
    reset(this.#client)
    reset(this.#server)
  }

  /** The other side has torn the connection down. */
  #breakOff(outcome: ConnectionOutcome): void {
    this.#over(outcome)
    this.#resetSoon()
  }

  /** An RST makes what came right before it unreadable, or hides behind it: whoever is there reads first. */
  #resetSoon(): void {
    void turns(turnsToRead).then(() => {
      reset(this.#client)
      reset(this.#server)
    })
  }

  #over(outcome: ConnectionOutcome, message?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#request.stop()
    this.#reply.stop()
    this.#book.close(outcome, message)
  }
}

/** What becomes of a client that a fault turns away before the service hears of it. */
export function turnAway(client: Socket, how: 'refused' | 'reset' | 'closed'): void {
  client.on('error', () => {})
  if (how === 'closed') finish(client)
  else reset(client)
}

/** FIN. A socket that is destroyed with bytes to read sends an RST, so they are read; later ones get that RST. */
function finish(client: Socket): void {
  if (client.destroyed) return
  client.end()
  client.resume()
  void turns(turnsToRead).then(() => client.destroySoon())
}
