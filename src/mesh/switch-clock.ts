import { sleepOn } from '../time/clock.ts'
import type { Clock, ClockMode } from '../time/clock.ts'

/**
 * The clock of a mesh: the base clock, and a world's while `simulate` runs. Everything in the mesh keeps this one object,
 * so nothing has to be told when the time base changes.
 */
export class SwitchClock implements Clock {
  readonly #base: Clock
  #current: Clock
  #originMs: number

  constructor(base: Clock) {
    this.#base = base
    this.#current = base
    this.#originMs = base.now()
  }

  get mode(): ClockMode {
    return this.#current.mode
  }

  now(): number {
    return this.#current.now()
  }

  /** Milliseconds since the mesh started or, in a simulation, since the simulation started. */
  sinceStart(): number {
    return this.#current.now() - this.#originMs
  }

  /** When the journal's time was 0, in milliseconds since the epoch on the clock in force. */
  get originMs(): number {
    return this.#originMs
  }

  timer(ms: number, fire: () => void): () => void {
    return this.#current.timer(ms, fire)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms > 0 ? sleepOn(this.#current, ms, signal) : Promise.resolve()
  }

  /** Goes over to `clock`; the journal's time starts again at 0. Returns the way back. */
  enter(clock: Clock): () => void {
    const wasOrigin = this.#originMs
    this.#current = clock
    this.#originMs = clock.now()
    return () => {
      this.#current = this.#base
      this.#originMs = wasOrigin
    }
  }
}
