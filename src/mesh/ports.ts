import type { RequestHandler } from 'msw'
import type { BrowserContextLike } from '../call/browser-context.ts'
import type { Call } from '../call/call.ts'
import type { Door } from '../call/door.ts'
import type { Reply } from '../call/reply.ts'
import type { Handler } from '../topology/options.ts'
import type { Respond } from './request.ts'

export interface Listener {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** What the engine needs from the edges of the house; handed in where everything is put together. */
export interface Ports {
  /** Answers a request with MSW handlers; undefined when none of them takes it. */
  answer(handlers: readonly Handler[], request: Request, baseUrl: string): Promise<Response | undefined>
  /** A reply as the caller's `fetch` would give it; throws network errors in the shape of undici's. */
  readonly respond: Respond
  /** Sends a call on to a real service. */
  forward(upstream: string, call: Call): Promise<Reply>
  listen(door: Door, edge: { caller: string; callee: string; port?: number }): Promise<Listener>
  intercept(door: Door): { close(): Promise<void> }
  /** Resolves when the clients of this process can send at once, so that no virtual time passes before they do. */
  warmUp(): Promise<void>
  /** Lets the pages of a Playwright browser context reach the mesh. */
  attach(door: Door, context: BrowserContextLike): Promise<() => Promise<void>>
  mswHandlers(door: Door): RequestHandler[]
  /** Other realms whose globals belong to the code under test (the sandbox of a Jest environment). */
  realms(): readonly object[]
}
