import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { addAbortSignal } from 'node:stream'
import { MessageChannel } from 'node:worker_threads'
import { failed } from '../../call/reply.ts'
import type { Door } from '../../call/door.ts'
import type { Reply } from '../../call/reply.ts'
import { turn } from '../../time/natives.ts'
import { withoutUpgrade } from '../http1.ts'
import { exchange, SCOPE_HEADER } from '../http-exchange.ts'
import type { Received } from '../http-exchange.ts'
import type { Wire } from '../wire.ts'
import { shakeHands } from '../websocket.ts'
import { connectRefused, portOf, readReset } from '../wire-errors.ts'
import { ABANDONED, MemorySocket } from './memory-socket.ts'
import type { OpenDoors, Place } from './open-doors.ts'
import { lookSecure } from './secure-look.ts'
import type { Ticket, Tickets } from './tickets.ts'

// Taken at import, so that faked timers cannot hold up connections.
const { nextTick } = process

/** What of the options of `net.connect` and `tls.connect` means something here. */
export interface ConnectOptions {
  readonly timeout?: number
  readonly signal?: AbortSignal
}

interface Connection {
  readonly url: URL
  readonly client: MemorySocket
  readonly server: MemorySocket
  /** Who connected: stands in for requests that carry no ticket. */
  readonly bornAt: Place | undefined
  readonly bornIn: AsyncResource
  /** The ticket of the request that was given this connection last, for clients whose headers could not be added to. */
  assigned: Ticket | undefined
  /** The meshes of the requests under way, and of open WebSockets. */
  readonly busy: Map<object, Door | undefined>
}

/** The far end of all connections to hosts of open meshes: an HTTP server that never listens. */
export class Hub {
  readonly #doors: OpenDoors
  readonly #tickets: Tickets
  readonly #server: Server
  readonly #connections = new Map<MemorySocket, Connection>()
  readonly #byClient = new WeakMap<object, Connection>()
  // A request under way keeps the process alive, as it would over a socket; the port is referenced just then.
  readonly #lifeline = new MessageChannel()
  #underWay = 0

  constructor(doors: OpenDoors, tickets: Tickets) {
    this.#doors = doors
    this.#tickets = tickets
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
      void this.#serve(request, response)
    })
    // An own property goes around instrumentation that patches the prototype and would report the mesh's inside as the
    // server of the code under test.
    this.#server.emit = EventEmitter.prototype.emit
    this.#server.on('upgrade', (request: IncomingMessage, _socket: unknown, head: Buffer) => {
      void this.#upgrade(request, head)
    })
    this.#lifeline.port1.unref()
  }

  /** A new connection to a host of an open mesh. */
  connect(url: URL, isSecure: boolean, options: ConnectOptions = {}): MemorySocket {
    const { client, server } = MemorySocket.pair({ port: portOf(url), clock: () => this.#doors.clock(url) })
    if (isSecure) lookSecure(client, url.hostname)
    if (options.timeout) client.setTimeout(options.timeout)
    if (options.signal) addAbortSignal(options.signal, client)
    const connection: Connection = {
      url,
      client,
      server,
      bornAt: this.#doors.placeFor(url),
      bornIn: new AsyncResource('MESHWRIGHT_CONNECTION'),
      assigned: undefined,
      busy: new Map(),
    }
    this.#connections.set(server, connection)
    this.#byClient.set(client, connection)
    server.once('close', () => this.#closed(connection))
    nextTick(() => {
      if (client.destroyed) return
      this.#server.emit('connection', server)
      client.connecting = false
      client.emit('lookup', null, client.remoteAddress, 4, url.hostname)
      client.emit('connect')
      client.emit('ready')
      if (isSecure) client.emit('secureConnect')
    })
    return client
  }

  /** Says whose request travels next over a connection. */
  assign(client: unknown, ticket: Ticket): void {
    const connection = this.#byClient.get(client as object)
    if (connection) connection.assigned = ticket
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.#connections.get(request.socket as unknown as MemorySocket)
    if (!connection) return
    const ticket = this.#ticketOf(request) ?? connection.assigned
    const place = ticket ? ticket.place : connection.bornAt
    const door = place?.door
    this.#began(connection, response, door)
    response.once('close', () => this.#ended(connection, response))
    await exchange({
      request,
      response,
      wire: wireOf(connection),
      ...(ticket && { travel: ticket }),
      clock: door?.clock,
      onAbandoned: (listener) => {
        connection.server.on(ABANDONED, listener)
        response.once('close', () => connection.server.off(ABANDONED, listener))
      },
      ...(place && { streams: place.door.streams(place.caller, place.callee) }),
      enter: (received) => this.#arrive(connection, ticket, place, received),
      problem: (error) => door?.problem(error),
    })
  }

  /** A WebSocket. Any other protocol that is asked for is not spoken here, and the request one like all others. */
  async #upgrade(request: IncomingMessage, head: Buffer): Promise<void> {
    const connection = this.#connections.get(request.socket as unknown as MemorySocket)
    if (!connection) return
    const { server } = connection
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      this.#server.emit('connection', server)
      const again = Buffer.concat([withoutUpgrade(request), head])
      return void server.emit('data', again)
    }
    const ticket = this.#ticketOf(request) ?? connection.assigned
    const place = ticket ? ticket.place : connection.bornAt
    const door = place?.door
    const socket = {}
    this.#began(connection, socket, door)
    server.once('close', () => this.#ended(connection, socket))
    await shakeHands({
      request,
      socket: server,
      head,
      wire: wireOf(connection),
      ...(ticket && { travel: ticket }),
      clock: door?.clock,
      enter: (received) => this.#arrive(connection, ticket, place, received),
      problem: (error) => door?.problem(error),
    })
    // What travels from now on is no answer that somebody waits for.
    ticket?.consumed()
  }

  #ticketOf({ headers: { [SCOPE_HEADER]: id } }: IncomingMessage): Ticket | undefined {
    return typeof id === 'string' ? this.#tickets.find(id.split(',').at(-1)!.trim()) : undefined
  }

  async #arrive(
    connection: Connection,
    ticket: Ticket | undefined,
    place: Place | undefined,
    received: Received,
  ): Promise<Reply> {
    ticket?.arrives()
    const enter = () => this.#enter(connection, place, received)
    const reply = await (ticket ? ticket.run(enter) : connection.bornIn.runInAsyncScope(enter))
    // Over a network no answer comes within a turn of the event loop, and undici relies on it: it gives a connection
    // back on the next turn, and would open a new one for each request that follows at once.
    ticket?.begins()
    await turn()
    return reply
  }

  async #enter({ url }: Connection, place: Place | undefined, received: Received): Promise<Reply> {
    if (!place || !this.#doors.has(place.door)) return failed('refused', { message: 'The mesh has stopped' })
    const { door, caller, callee, origin, parent, trace } = place
    const isTraced = received.headers.some(([name]) => name === 'traceparent')
    const headers = isTraced || !trace ? received.headers : [...received.headers, ...trace()]
    const { path } = received
    return door.enter({
      ...received,
      caller,
      callee,
      origin,
      url: path.startsWith('/') ? url.origin + path : path,
      headers,
      ...(parent && { parent }),
    })
  }

  #began(connection: Connection, work: object, door: Door | undefined): void {
    connection.busy.set(work, door)
    if (this.#underWay++ === 0) this.#lifeline.port1.ref()
  }

  #ended(connection: Connection, work: object): void {
    if (connection.busy.delete(work)) this.#end()
  }

  #end(): void {
    if (--this.#underWay === 0) this.#lifeline.port1.unref()
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection.server)
    for (const _ of connection.busy) this.#end()
    connection.busy.clear()
  }

  /** Ends the connections that only `door` had a use for, and the requests that it was still answering. */
  leave(door: Door): void {
    for (const connection of this.#connections.values()) {
      const isIts = [...connection.busy.values()].some((other) => other?.id === door.id)
      if (isIts || !this.#doors.owns(connection.url)) this.#cut(connection)
    }
  }

  close(): void {
    for (const connection of this.#connections.values()) this.#cut(connection)
    this.#lifeline.port1.close()
  }

  #cut({ client, server, busy }: Connection): void {
    // A FIN takes a tick to be seen. A pool that took an idle connection in that tick would fail its next request, so
    // idle ones are closed at the client's end, where pools look before they take.
    if (busy.size > 0) server.destroy()
    else client.destroy()
  }
}

const wireOf = ({ client, server, url }: Connection): Wire => ({
  refuse: () => void client.destroy(connectRefused(portOf(url))),
  reset: () => void client.destroy(readReset()),
  close: () => server.destroySoon(),
  raw: (bytes) => void server.write(bytes),
})
