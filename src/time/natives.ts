/**
 * Node's own time and chance, taken when the first copy of this package loads in a realm. Whatever fakes or virtualises
 * the globals later (a test runner, or our own virtual time) cannot reach the code that runs on these.
 */
export interface Natives {
  readonly setTimeout: typeof globalThis.setTimeout
  readonly clearTimeout: typeof globalThis.clearTimeout
  readonly setImmediate: typeof globalThis.setImmediate
  readonly clearImmediate: typeof globalThis.clearImmediate
  /** Milliseconds since the Unix epoch; whole, and may jump when the machine's clock is set. */
  readonly dateNow: () => number
  /** Milliseconds since the process began; fractional, never goes back. */
  readonly monotonicNow: () => number
  /** Nanoseconds since an arbitrary moment; never goes back. */
  readonly hrtime: () => bigint
  /** A version 4 UUID from the machine's entropy: for what must be unique and never be replayed. */
  readonly randomUUID: () => string
}

const key = Symbol.for('meshwright/natives')

// Shared by both copies (ESM and CJS): the second one may load while the first has its virtual time installed, and
// would otherwise take the dispatchers for the real thing.
const home = globalThis as { [key]?: Natives }

export const natives: Natives = (home[key] ??= {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  dateNow: Date.now,
  monotonicNow: performance.now.bind(performance),
  hrtime: process.hrtime.bigint,
  randomUUID: globalThis.crypto.randomUUID.bind(globalThis.crypto),
})

/** The longest delay that a timer of Node takes: 2^31 - 1 ms, almost 25 days. */
export const longestTimerMs = 0x7fffffff

/** Resolves after one turn of the event loop: every microtask, nextTick and earlier setImmediate has run by then. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    natives.setImmediate(resolve)
  })
}
