import type { PeerSocket, SocketData } from '../call/socket.ts'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import { SocketCloseEvent, SocketListeners, SocketMessageEvent } from './socket-events.ts'
import type { SocketCallback } from './socket-events.ts'
import { passOn } from './socket-session.ts'
import type { SocketSession } from './socket-session.ts'

/** What MSW lets handlers send. */
export type Sendable = string | ArrayBuffer | ArrayBufferView | Blob

/** Sends in order, although the bytes of a Blob have to be waited for. */
class Outbox {
  readonly #send: (data: SocketData) => void
  #waiting: Promise<void> | undefined

  constructor(send: (data: SocketData) => void) {
    this.#send = send
  }

  put(data: Sendable, what: string): void {
    const bytes = bytesOf(data, what)
    if (!this.#waiting && !(bytes instanceof Promise)) return this.#send(bytes)
    const turn: Promise<void> = (this.#waiting ?? Promise.resolve())
      .then(async () => this.#send(await bytes))
      .finally(() => {
        if (this.#waiting === turn) this.#waiting = undefined
      })
    this.#waiting = turn
  }
}

function bytesOf(data: Sendable, what: string): SocketData | Promise<SocketData> {
  if (typeof data === 'string') return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
  // By what they can do: both may be of another realm.
  const { arrayBuffer, byteLength } = (data ?? {}) as { arrayBuffer?: unknown; byteLength?: unknown }
  if (typeof arrayBuffer === 'function') return (data as Blob).arrayBuffer().then((bytes) => new Uint8Array(bytes))
  if (typeof byteLength === 'number') return new Uint8Array(data as ArrayBuffer).slice()
  throw new MeshError(
    'MESH_INVALID_OPTION',
    `${what}: expected a string, bytes or a Blob, got ${describeValue(data)}`,
    {
      fix: 'Send JSON as text: JSON.stringify(value).',
    },
  )
}

export interface ConnectionParts {
  /** Unique in the process: MSW keeps the clients of all meshes by it. */
  readonly id: string
  /** `wss://chat.shop.test/room` */
  readonly url: URL
  readonly session: SocketSession
  /** Calls a listener in the scope of its service, and ends the connection when it fails. */
  run(listener: () => unknown): void
  /** Connects to the real service. */
  dial(): Promise<PeerSocket>
}

/** The client's side, as MSW's handlers expect it. */
export class SocketClient {
  readonly id: string
  readonly url: URL
  readonly #session: SocketSession
  readonly #listeners: SocketListeners
  readonly #outbox: Outbox

  constructor({ id, url, session, run }: ConnectionParts) {
    this.id = id
    this.url = url
    this.#session = session
    this.#listeners = new SocketListeners(run)
    this.#outbox = new Outbox((data) => session.send(data))
  }

  send(data: Sendable): void {
    this.#outbox.put(data, 'client.send')
  }

  close(code?: number, reason?: string): void {
    this.#session.close(code, reason)
  }

  addEventListener(type: string, listener: SocketCallback, options?: AddEventListenerOptions | boolean): void {
    this.#listeners.add(type, listener, options)
  }

  removeEventListener(type: string, listener: SocketCallback, options?: EventListenerOptions | boolean): void {
    this.#listeners.remove(type, listener, options)
  }

  /** Whether the message goes on to the real service, if the handler has connected to one. */
  received(data: SocketData): boolean {
    return this.#listeners.dispatch(new SocketMessageEvent(data, this.url.origin))
  }

  closed(code: number, reason: string): void {
    this.#listeners.dispatch(new SocketCloseEvent(code, reason))
  }
}

/** The real service's side, as MSW's handlers expect it: nobody is there until `connect`. */
export class SocketServer {
  readonly #parts: ConnectionParts
  readonly #listeners: SocketListeners
  readonly #outbox = new Outbox((data) => this.#forward(data))
  /** What was sent before the connection stood. */
  readonly #early: SocketData[] = []
  #peer: PeerSocket | undefined
  #state: 'idle' | 'connecting' | 'open' | 'closed' = 'idle'

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#listeners = new SocketListeners(parts.run)
  }

  get isConnected(): boolean {
    return this.#state === 'connecting' || this.#state === 'open'
  }

  connect(): void {
    if (this.isConnected)
      throw new MeshError('MESH_INVALID_OPTION', 'server.connect: the connection to the real service is there already')
    this.#state = 'connecting'
    this.#parts.dial().then(
      (peer) => this.opened(peer),
      (error: unknown) => this.#failed(error),
    )
  }

  send(data: Sendable): void {
    if (this.#state === 'idle')
      throw new MeshError('MESH_INVALID_OPTION', 'server.send: there is no connection to the real service', {
        fix: 'Call server.connect() first.',
      })
    this.#outbox.put(data, 'server.send')
  }

  /** Ends the connection to the real service; the client's stays. */
  close(): void {
    if (!this.isConnected) return
    this.#state = 'closed'
    this.#peer?.close(1000)
    // Not in the middle of a message that is yet to be passed on.
    queueMicrotask(() => this.#listeners.dispatch(new SocketCloseEvent(1000, '')))
  }

  addEventListener(type: string, listener: SocketCallback, options?: AddEventListenerOptions | boolean): void {
    this.#listeners.add(type, listener, options)
  }

  removeEventListener(type: string, listener: SocketCallback, options?: EventListenerOptions | boolean): void {
    this.#listeners.remove(type, listener, options)
  }

  /** The connection stands: at once when it was made before the handshake was answered. */
  opened(peer: PeerSocket): void {
    // Closed meanwhile, by either side.
    if (this.#state === 'closed' || this.#parts.session.isEnded) return peer.close(1001)
    this.#state = 'open'
    this.#peer = peer
    const { session, url } = this.#parts
    peer.listen({
      message: (data) => {
        if (this.#listeners.dispatch(new SocketMessageEvent(data, url.origin))) session.send(data, peer)
      },
      closed: (code, reason) => {
        if (this.#state === 'closed') return
        this.#state = 'closed'
        if (this.#listeners.dispatch(new SocketCloseEvent(code, reason))) session.close(code, reason)
      },
    })
    for (const data of this.#early.splice(0)) this.#forward(data)
    session.client.resume()
    this.#listeners.dispatch(new Event('open'))
  }

  /** A message of the client goes on to the real service, unless a handler has prevented it. */
  forward(data: SocketData): void {
    if (this.isConnected) this.#forward(data)
  }

  /** The client is gone. */
  clientClosed(code: number, reason: string): void {
    this.#state = 'closed'
    if (code === 1006) this.#peer?.reset()
    else if (code === 1005) this.#peer?.close()
    else this.#peer?.close(code, reason)
  }

  #forward(data: SocketData): void {
    if (this.#peer) passOn(data, this.#peer, this.#parts.session.client)
    else if (this.#state === 'connecting') {
      this.#early.push(data)
      // What is kept here has no other limit.
      this.#parts.session.client.pause()
    }
  }

  #failed(error: unknown): void {
    if (this.#state !== 'connecting') return
    this.#state = 'closed'
    // A mistake of the test's author is nothing that a handler should have to expect.
    if (MeshError.is(error)) return this.#parts.run(() => Promise.reject(error))
    const event = Object.assign(new Event('error', { cancelable: true }), { error })
    // A client of the real service would have seen a connection that breaks.
    if (this.#listeners.dispatch(event)) this.#parts.session.close(1006)
  }
}
