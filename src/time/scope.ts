import { AsyncLocalStorage } from 'node:async_hooks'
import type { VirtualTimer } from './virtual-timer.ts'

/** What the dispatchers on the globals need of a world, which may come from the other copy of this package. */
export interface ScopedWorld {
  /** Its run has ended: the globals answer for real again, also in what the run has left behind. */
  readonly over: boolean
  /** Milliseconds since the Unix epoch at which the world began. */
  readonly startAt: number
  /** Milliseconds since the world began. */
  readonly elapsedMs: number
  /** Sets a timer `ms` virtual milliseconds ahead. */
  setTimer(callback: (this: VirtualTimer) => void, ms: number, repeat?: boolean): VirtualTimer
  /** The timer whose number this is. */
  timerOf(id: number): VirtualTimer | undefined
  /** The next number in [0, 1) of the seeded stream of this name. */
  draw(stream: string): number
  /** Ends the run with this error. */
  fail(error: unknown): void
  /** A setImmediate began, of the code's own or inside Node: one more turn is due before the clock moves. */
  stir(): void
  /** Real I/O began: the clock stands until the returned function is called. */
  begin(kind: string): () => void
  /** Something began that neither follows the clock nor can be waited for. */
  taint(kind: string): void
}

/** Several users of one thing: it is made for the first and undone after the last. */
export interface Lease<T> {
  users: number
  readonly thing: T
}

/**
 * What both copies of this package (ESM and CJS) share, behind a symbol on `globalThis`: without it the dispatchers of the
 * one would not see the worlds of the other, and they would restore each other's patches.
 */
export interface SharedTime {
  readonly scope: AsyncLocalStorage<ScopedWorld | undefined>
  /** Each dispatcher ever made, with what it stands for. */
  readonly originals: WeakMap<object, unknown>
  /** Handles of setImmediate that a world made on the native one, whatever stands on the global. */
  readonly immediates: WeakSet<object>
  globals?: Lease<{ add(realm: object): void; undo(): string[] }>
  io?: Lease<{ stop(): void }>
}

const key = Symbol.for('meshwright/time')
const home = globalThis as { [key]?: SharedTime }

export const shared: SharedTime = (home[key] ??= {
  scope: new AsyncLocalStorage<ScopedWorld | undefined>(),
  originals: new WeakMap(),
  immediates: new WeakSet(),
})

/** The world in whose async context the caller runs, unless its run is over. */
export function liveWorld(): ScopedWorld | undefined {
  const world = shared.scope.getStore()
  return world && !world.over ? world : undefined
}
