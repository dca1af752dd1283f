import type { RequestHandler } from 'msw'
import type { BrowserContextLike } from '../call/browser-context.ts'
import type { Call } from '../call/call.ts'
import type { Door } from '../call/door.ts'
import type { Dialled, Reply } from '../call/reply.ts'
import type { Handler } from '../topology/options.ts'
import type { Respond } from './request.ts'

export interface Listener {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** What vouches for the `https` hosts of a mesh. */
export interface Authority {
  /** Its own certificate, PEM: what clients are to trust. */
  readonly certificate: string
}

/** The place of a mesh among those that run at the same time. */
export interface Member {
  /** What makes a request, and all that it causes, belong to this mesh. */
  headers(): Record<string, string>
  leave(): Promise<void>
}

/** What the engine needs from the edges of the house; handed in where everything is put together. */
export interface Ports {
  /** Answers a request with MSW handlers; undefined when none of them takes it. */
  answer(handlers: readonly Handler[], request: Request, baseUrl: string): Promise<Response | undefined>
  /** A reply as the caller's `fetch` would give it; throws network errors in the shape of undici's. */
  readonly respond: Respond
  /** Sends a call on to a real service. */
  forward(upstream: string, call: Call): Promise<Reply>
  /** Opens the WebSocket of a call at a real service. Never rejects. */
  dial(upstream: string, call: Call): Promise<Dialled>
  /** Closes the connections that are kept to real services. */
  hangUp(): void
  listen(door: Door, edge: { caller: string; callee: string; port?: number }): Promise<Listener>
  /** Opens the proxy of one caller. */
  proxy(
    door: Door,
    options: {
      caller: string
      port?: number
      unknownHosts: 'refuse' | 'passthrough'
      refused(to: { host: string; port: number }): void
    },
  ): Promise<Listener>
  /** The one of this process. */
  authority(): Authority | Promise<Authority>
  /** A file that vouches for its hosts, with `world` for all others, too. It is there until the holder releases it. */
  trustFile(holder: object, certificate: string, options: { world: boolean }): string
  releaseTrust(holder: object): void
  /** Registers at the gateway of the run, if there is one, with the ports of the edges; `lost` is told when it goes away. */
  join(ports: Readonly<Record<string, number>>, lost: (error: Error) => void): Promise<Member>
  intercept(door: Door): { close(): Promise<void> }
  /** Resolves when the clients of this process can send at once, so that no virtual time passes before they do. */
  warmUp(): Promise<void>
  /** Lets the pages of a Playwright browser context reach the mesh. */
  attach(door: Door, context: BrowserContextLike): Promise<() => Promise<void>>
  mswHandlers(door: Door): RequestHandler[]
  /** Other realms whose globals belong to the code under test (the sandbox of a Jest environment). */
  realms(): readonly object[]
}
