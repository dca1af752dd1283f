import { sleepOn, type Clock } from '../../src/time/clock.ts'

// Captured before a test can fake it. One turn of it runs every microtask that is ready.
const immediate = globalThis.setImmediate
const turn = () => new Promise<void>((resolve) => void immediate(resolve))

export interface ManualClock extends Clock {
  readonly mode: 'virtual'
  /** Milliseconds that have passed since the clock was made. */
  readonly elapsedMs: number
  /** Timers that have not fired: 0 at the end of a test that leaks none. */
  readonly pending: number
  /** Lets all ready microtasks run, without time passing. */
  flush(): Promise<void>
  /** Lets `ms` milliseconds pass: timers fire in order of time, then of creation, and what each sets off runs before the next. */
  advance(ms: number): Promise<void>
  /** Lets time pass from timer to timer until the promise settles. Rejects when no timer is left to wait for. */
  run<T>(promise: Promise<T>): Promise<T>
}

interface Timer {
  readonly atMs: number
  readonly seq: number
  readonly fire: () => void
}

/** A clock that stands still until a test moves it. Starts at a realistic epoch, since some breakers mistake 0 for unset. */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  const timers = new Set<Timer>()
  let nowMs = startMs
  let seq = 0

  const earliest = () => [...timers].sort((a, b) => a.atMs - b.atMs || a.seq - b.seq)[0]
  const fire = (timer: Timer) => {
    timers.delete(timer)
    nowMs = Math.max(nowMs, timer.atMs)
    timer.fire()
    return turn()
  }

  const clock: ManualClock = {
    mode: 'virtual',
    get elapsedMs() {
      return nowMs - startMs
    },
    get pending() {
      return timers.size
    },
    now: () => nowMs,
    timer(ms, callback) {
      const timer = { atMs: nowMs + ms, seq: seq++, fire: callback }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
    flush: turn,
    async advance(ms) {
      const untilMs = nowMs + ms
      await turn()
      for (let timer; (timer = earliest()) && timer.atMs <= untilMs;) await fire(timer)
      nowMs = untilMs
    },
    async run(promise) {
      let isSettled = false
      const settle = () => void (isSettled = true)
      promise.then(settle, settle)
      await turn()
      while (!isSettled) {
        const timer = earliest()
        if (!timer) throw new Error('The promise waits for something other than this clock.')
        await fire(timer)
      }
      return promise
    },
  }
  return clock
}
