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
   */
  timer(ms: number, fire: () => void): () => void
  /** Resolves after `ms` milliseconds; resolves early (never rejects) when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
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
    const undo = clock.timer(ms, wake)
    signal?.addEventListener('abort', wake, { once: true })
  })
}
