/** How a mesh tells the time: `real`, `virtual` (inside `mesh.simulate`), or `host` (the test runner's, faked or not). */
export type ClockMode = 'real' | 'virtual' | 'host'

/** Time, always handed in. Everything in `src` that waits or reads the time does it here. */
export interface Clock {
  readonly mode: ClockMode
  /** Milliseconds since the Unix epoch, on this clock. May have a fraction. */
  now(): number
  /** What `Date.now()` shows to code on this clock, where that differs from `now`. */
  date?(): number
  /**
   * Calls `fire` once, later, after at least `ms` milliseconds; less than 0 and NaN count as 0, Infinity never fires.
   * Returns the undo. A pending timer keeps the process alive, so that a script awaiting nothing but a simulated
   * latency is not cut off: whoever stops early calls the undo.
   *
   * `precise` asks for as little after `ms` as the machine allows, at the price of processor time in the last one
   * or two milliseconds: for delays that are simulated, not for limits that are seldom reached.
   */
  timer(ms: number, fire: () => void, accuracy?: Accuracy): () => void
  /** Resolves after `ms` milliseconds, precisely; resolves early (never rejects) when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** How precise its precise timers were; absent where that is not measured. */
  fidelity?(): Fidelity
}

export type Accuracy = 'ordinary' | 'precise'

/** How close the simulated delays of a mesh came to what was drawn or told. */
export interface Fidelity {
  readonly mode: ClockMode
  /** Delays that were waited for to their end. Interrupted ones do not count. */
  readonly waits: number
  /** The share of them, 0 to 1, that ended within one millisecond of their time. 1 when there were none. */
  readonly withinOneMs: number
  /** Half of them were at most this late, in milliseconds. Percentiles are up to 9 % above the true ones. */
  readonly p50LateMs: number
  readonly p99LateMs: number
  readonly maxLateMs: number
  /** Delays that ended before their time: 0. */
  readonly early: number
  /** One line for people. */
  toString(): string
}

/** Builds `sleep` from `timer`; every clock uses it, so early wake-up means the same everywhere. */
export function sleepOn(clock: Pick<Clock, 'timer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const wake = () => {
      undo()
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const undo = clock.timer(ms, wake, 'precise')
    signal?.addEventListener('abort', wake, { once: true })
  })
}
