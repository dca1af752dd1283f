import { type Clock, sleepOn } from './clock.ts'
import { longestTimerMs } from './natives.ts'

/** Where a host clock looks its functions up: a global object, with or without fake timers on it. */
export interface TimeHost {
  setTimeout(fire: () => void, ms: number): unknown
  /** Gets back whatever `setTimeout` returned; `unknown` would reject the global's own signature. */
  clearTimeout(timer: never): void
  Date: { now(): number }
}

/**
 * The time of a test runner. The functions are looked up on `host` (default `globalThis`) at each call, so
 * `jest.useFakeTimers()`, `vi.useFakeTimers()` and sinon move the mesh together with the test, also when they come later.
 * `now` follows `host.Date`, jumps included; waits follow `host.setTimeout` alone, as the runners' own do.
 */
export function createHostClock(host: TimeHost = globalThis): Clock {
  const timer = (ms: number, fire: () => void) => {
    if (ms === Infinity) return () => {}
    // A longer delay than a timer takes is walked in pieces: counted, not measured, for a fake Date may stand still.
    const arm = (leftMs: number): unknown => {
      const piece = Math.min(leftMs, longestTimerMs)
      return host.setTimeout(() => {
        if (leftMs > piece) handle = arm(leftMs - piece)
        else fire()
      }, piece)
    }
    let handle = arm(Math.max(0, Math.ceil(ms) || 0))
    return () => host.clearTimeout(handle as never) // what its own setTimeout returned
  }
  return {
    mode: 'host',
    now: () => host.Date.now(),
    timer,
    sleep: (ms, signal) => sleepOn({ timer }, ms, signal),
  }
}
