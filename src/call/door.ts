import type { Clock } from '../time/clock.ts'
import type { HeaderList, Origin } from './call.ts'
import type { Reply } from './reply.ts'

/** A foreign request as a transport hands it in. */
export interface Incoming {
  readonly caller: string
  readonly callee: string
  readonly origin: Origin
  readonly method: string
  readonly path: string
  readonly url: string
  readonly headers: HeaderList
  readonly body: Uint8Array | null
  /** Aborts when the client goes away. */
  readonly signal?: AbortSignal
  /** Set when the request came out of a handler of the mesh. */
  readonly parent?: { readonly id: string; readonly hops: readonly string[] }
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
  /** Sends a request in. Never rejects for what the simulated world does wrong. */
  enter(incoming: Incoming): Promise<Reply>
  /** Whether right now every connection on this edge is refused before a request is read (an unconditional outage). */
  refuses(caller: string, callee: string): boolean
  /** Called whenever the answer of `refuses` may have changed; returns the undo. */
  onRefusalChange(listener: () => void): () => void
  /** Records a mistake of the test's author that no exception can carry; the fixture fails the test with it. */
  problem(error: Error): void
}
