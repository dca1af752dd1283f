import { type Accuracy, type Clock, sleepOn } from './clock.ts'
import { longestTimerMs, natives } from './natives.ts'
import { PreciseWaits } from './precise-waits.ts'

/**
 * The machine's time, on natives that no fake reaches. `now` starts at the machine's clock and then follows the
 * monotonic one: it has a fraction and never goes back. Timers are never early, whatever their length; `sleep` and precise
 * timers are hardly late either.
 */
export function createRealClock(): Clock {
  const epochMs = natives.dateNow() - natives.monotonicNow()
  const waits = new PreciseWaits()
  const timer = (ms: number, fire: () => void, accuracy?: Accuracy) => {
    if (ms === Infinity) return () => {}
    if (accuracy === 'precise') return waits.add(Math.max(0, ms || 0), fire)
    const dueMs = natives.monotonicNow() + Math.max(0, ms || 0)
    // Node truncates delays, and its timers may fire a fraction early; one beyond the longest would fire at once.
    const arm = (): NodeJS.Timeout =>
      natives.setTimeout(
        () => {
          if (natives.monotonicNow() >= dueMs) fire()
          else handle = arm()
        },
        Math.min(Math.ceil(dueMs - natives.monotonicNow()), longestTimerMs),
      )
    let handle = arm()
    return () => natives.clearTimeout(handle)
  }
  return {
    mode: 'real',
    now: () => epochMs + natives.monotonicNow(),
    timer,
    sleep: (ms, signal) => sleepOn({ timer }, ms, signal),
    fidelity: () => waits.lateness.fidelity(),
  }
}
