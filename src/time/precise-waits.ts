import { Lateness } from './fidelity.ts'
import { longestTimerMs, natives, type Natives } from './natives.ts'
import { TimerQueue } from './timer-queue.ts'

/** The natives that precise waits stand on; a test hands in its own. */
export interface WaitNatives extends Pick<
  Natives,
  'monotonicNow' | 'setTimeout' | 'clearTimeout' | 'setImmediate' | 'clearImmediate'
> {
  /** Stops the thread for so long, or somewhat longer. */
  nap(ms: number): void
}

interface Wait {
  whenMs: number
  readonly seq: number
  slot: number
  readonly fire: () => void
}

/**
 * How long before a deadline the timer is meant to ring. Node counts in whole milliseconds from a time that it reads once
 * for each turn, so a timer rings up to 1.1 ms late and up to 2 ms early. With half a millisecond even the latest ring
 * leaves an idle process within a millisecond of the deadline; two milliseconds cost twice the processor time and bring
 * no wait closer that could be measured.
 */
const defaultMarginMs = 0.5

/**
 * In the last moments a turn of the event loop that had nothing to do is followed by a nap of the thread. Turns alone would
 * take a processor for themselves, and on a busy machine the scheduler would make up for that at the deadline: with three
 * other programs on two processors a fifth of a thousand waits a second came within a millisecond, with naps three quarters.
 * What arrives during a nap is served this much later; a loop that has work to do takes none.
 */
const napMs = 0.1
/** A nap is not taken when less than this would be left: the machine adds some 0.06 ms to it. */
const leftAfterNapMs = 0.1
const idleTurnMs = 0.05

// Nobody ever writes it, so whoever waits for it waits for the time alone.
const cell = new Int32Array(new SharedArrayBuffer(4))
const waitNatives: WaitNatives = { ...natives, nap: (ms) => void Atomics.wait(cell, 0, 0, ms) }

/** Clocks of users count in doubles since 1970, in steps of a quarter of a microsecond: on them, too, no wait is short. */
const clockStepMs = 0.001

/**
 * Waits that end as close to their deadline as an event loop can: never before it, and some microseconds after it when the
 * process has nothing else to do. All waits of a clock stand in one heap with one timer, which rings a little before the
 * earliest deadline; the rest is turns of the event loop (setImmediate), in which sockets are served as ever, and naps of a
 * tenth of a millisecond. Only that rest takes processor time: a wait of 30 s sleeps for all but its last one or two
 * milliseconds.
 */
export class PreciseWaits {
  readonly lateness = new Lateness()
  readonly #natives: WaitNatives
  readonly #marginMs: number
  readonly #queue = new TimerQueue<Wait>()
  #timer: { readonly handle: NodeJS.Timeout; readonly ringsAtMs: number } | undefined
  #immediate: NodeJS.Immediate | undefined
  #seq = 0
  #turnEndedMs = 0

  constructor(given: WaitNatives = waitNatives, marginMs = defaultMarginMs) {
    this.#natives = given
    this.#marginMs = marginMs
  }

  /** Waits under way. */
  get size(): number {
    return this.#queue.size
  }

  /** Calls `fire` once, in `ms` milliseconds. Returns the undo. A wait under way keeps the process alive. */
  add(ms: number, fire: () => void): () => void {
    const wait: Wait = {
      whenMs: this.#natives.monotonicNow() + ms + clockStepMs,
      seq: ++this.#seq,
      slot: -1,
      fire,
    }
    this.#queue.add(wait)
    if (this.#queue.first === wait) this.#arm()
    return () => {
      this.#queue.remove(wait)
      if (this.#queue.size === 0) this.#disarm()
    }
  }

  readonly #turn = () => {
    this.#immediate = undefined
    const nowMs = this.#natives.monotonicNow()
    const leftMs = (this.#queue.first?.whenMs ?? nowMs) - nowMs
    if (nowMs - this.#turnEndedMs < idleTurnMs && leftMs >= napMs + leftAfterNapMs) this.#natives.nap(napMs)
    this.#run()
    this.#turnEndedMs = this.#natives.monotonicNow()
  }

  readonly #ring = () => {
    this.#timer = undefined
    this.#run()
  }

  #run(): void {
    // What is added by what fires now waits for the next turn, so that no turn is without end.
    const last = this.#seq
    try {
      for (let wait; (wait = this.#queue.first) && wait.seq <= last;) {
        const lateMs = this.#natives.monotonicNow() - wait.whenMs
        if (lateMs < 0) break
        this.#queue.remove(wait)
        this.lateness.note(lateMs + clockStepMs)
        wait.fire()
      }
    } finally {
      if (this.#queue.size === 0) this.#disarm()
      else this.#arm()
    }
  }

  /** Sees to it that the earliest wait is looked at in time. */
  #arm(): void {
    if (this.#immediate) return
    const { monotonicNow, setTimeout, setImmediate } = this.#natives
    const { whenMs } = this.#queue.first!
    const leftMs = whenMs - monotonicNow()
    // No timer is shorter than 1 ms.
    if (leftMs < this.#marginMs + 1) {
      this.#immediate = setImmediate(this.#turn)
      return
    }
    const ringsAtMs = whenMs - this.#marginMs
    if (this.#timer && this.#timer.ringsAtMs <= ringsAtMs) return
    this.#clearTimer()
    const handle = setTimeout(this.#ring, Math.min(Math.floor(leftMs - this.#marginMs), longestTimerMs))
    this.#timer = { handle, ringsAtMs }
  }

  #disarm(): void {
    this.#clearTimer()
    if (this.#immediate) this.#natives.clearImmediate(this.#immediate)
    this.#immediate = undefined
  }

  #clearTimer(): void {
    if (this.#timer) this.#natives.clearTimeout(this.#timer.handle)
    this.#timer = undefined
  }
}
