import type { Clock } from '../time/clock.ts'
import type { Body, HeaderList, Origin } from './call.ts'
import type { ByteEdge } from './connection.ts'
import type { AnsweredReply, Reply } from './reply.ts'

/** A foreign request as a transport hands it in. */
export interface Incoming {
  readonly caller: string
  readonly callee: string
  readonly origin: Origin
  readonly method: string
  readonly path: string
  readonly url: string
  readonly headers: HeaderList
  readonly body: Body
  /** Set when the client wants a WebSocket. Whoever sets it can open one when the reply has an `upgrade`. */
  readonly upgrade?: 'websocket'
  /** Aborts when the client goes away. */
  readonly signal?: AbortSignal
  /** Set when the request came out of a handler of the mesh. */
  readonly parent?: { readonly id: string; readonly hops: readonly string[] }
}

/** A request without a body, as it stands on the wire. */
export interface BareRequest {
  readonly caller: string
  readonly callee: string
  readonly origin: Origin
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  /** `http://127.0.0.1:4711`: with `path` the URL as the caller wrote it. */
  readonly base: string
}

/** What a transport needs of a running mesh, and all that it gets. */
export interface Door {
  /** Unique among the meshes of this process. */
  readonly id: string
  readonly name: string
  readonly clock: Clock
  /** The service that the code under test speaks as, unless a scope says otherwise. */
  readonly defaultCaller: string
  readonly stopped: boolean
  /** The service addressed by this URL's host, if it is one of the mesh's. */
  serviceAt(url: URL): string | undefined
  /** How a service is addressed; undefined for a name that the mesh does not know. */
  originOf(service: string): string | undefined
  services(): readonly string[]
  /** All origins of the mesh (`https://orders.shop.test`), the browser transport routes just these. */
  origins(): readonly string[]
  /** Called when services came or went; returns the undo. */
  onOriginsChange(listener: () => void): () => void
  /** Whether a request on this edge may be handed in before its body is there, as a stream. Otherwise it has to be read first. */
  streams(caller: string, callee: string): boolean
  /** Sends a request in. Never rejects for what the simulated world does wrong. */
  enter(incoming: Incoming): Promise<Reply>
  /**
   * The answer to a request that can be had without waiting: a scripted reply, on an edge where nothing stands in its way.
   * The journal has the same entries as after `enter`. Undefined: the request has to enter.
   */
  atOnce(request: BareRequest): AnsweredReply | undefined
  /** Whether right now every connection on this edge is refused before a request is read (an unconditional outage). */
  refuses(caller: string, callee: string): boolean
  /** Called whenever the answer of `refuses` may have changed; returns the undo. */
  onRefusalChange(listener: () => void): () => void
  /** An edge to a service that speaks bytes (`tcp: true`); undefined for one that speaks HTTP. */
  bytes(caller: string, callee: string): ByteEdge | undefined
  /** Records a mistake of the test's author that no exception can carry; the fixture fails the test with it. */
  problem(error: Error): void
}
