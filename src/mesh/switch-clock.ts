import { sleepOn } from '../time/clock.ts'
import type { Accuracy, Clock, ClockMode, Fidelity } from '../time/clock.ts'
import { unmeasured } from '../time/fidelity.ts'

interface Pending {
  readonly dueMs: number
  readonly fire: () => void
  readonly accuracy: Accuracy
  undo: () => void
}

/**
 * The clock of a mesh: the base clock, and a world's while `simulate` runs. Everything in the mesh keeps this one object,
 * so nothing has to be told when the time base changes.
 *
 * `now` goes on from one base to the next without a jump, so that what was set before (an open circuit's deadline) stays
 * as far away as it was. The shift is a whole number of milliseconds: it changes no fraction, and so no comparison, and a
 * simulation takes the same course whenever it is run. Timers go along to the next base for the same reason, with what is
 * left of their time; only those set in a world end with it.
 */
export class SwitchClock implements Clock {
  readonly #base: Clock
  #current: Clock
  #shiftMs = 0
  #originMs: number | undefined
  #pending = new Set<Pending>()

  constructor(base: Clock) {
    this.#base = base
    this.#current = base
  }

  get mode(): ClockMode {
    return this.#current.mode
  }

  now(): number {
    return this.#current.now() + this.#shiftMs
  }

  /** What `Date.now()` shows to code on this clock. */
  date(): number {
    return this.#current.now()
  }

  /** Milliseconds since the first time this was asked or, in a simulation, since the simulation started. */
  sinceStart(): number {
    const now = this.now()
    this.#originMs ??= now
    return now - this.#originMs
  }

  /** When the journal's time was 0, on this clock. */
  get originMs(): number {
    return (this.#originMs ??= this.now())
  }

  timer(ms: number, fire: () => void, accuracy: Accuracy = 'ordinary'): () => void {
    const pending: Pending = { dueMs: this.now() + ms, fire, accuracy, undo: () => {} }
    const home = this.#pending
    home.add(pending)
    this.#set(pending, ms, home)
    return () => {
      home.delete(pending)
      pending.undo()
    }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms > 0 ? sleepOn(this, ms, signal) : Promise.resolve()
  }

  /** Of the delays in real time; a clock that is not real has none that could be measured. */
  fidelity(): Fidelity {
    return this.#current.fidelity?.() ?? unmeasured(this.#current.mode)
  }

  /** Goes over to `clock`; the journal's time starts again at 0. Returns the way back. */
  enter(clock: Clock): () => void {
    const wasOrigin = this.originMs
    const taken = this.#pending
    this.#goOverTo(clock)
    this.#move(taken)
    this.#pending = new Set()
    this.#originMs = this.now()
    return () => {
      this.#goOverTo(this.#base)
      this.#move(taken)
      this.#pending = taken
      this.#originMs = wasOrigin
    }
  }

  #move(timers: Set<Pending>): void {
    for (const pending of timers) {
      pending.undo()
      // Whole milliseconds again, for how much real time has passed before is chance.
      this.#set(pending, Math.ceil(pending.dueMs - this.now()), timers)
    }
  }

  #set(pending: Pending, ms: number, home: Set<Pending>): void {
    const fire = () => {
      home.delete(pending)
      pending.fire()
    }
    pending.undo = this.#current.timer(ms, fire, pending.accuracy)
  }

  #goOverTo(clock: Clock): void {
    const reached = this.now()
    this.#current = clock
    this.#shiftMs = Math.ceil(reached - clock.now())
  }
}
