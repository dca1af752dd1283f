import { CircuitState, type IBreaker } from 'cockatiel'
import type { Clock } from '../time/clock.ts'

/** Counts of a {@link TimeWindowBreaker}, plain JSON. */
export interface WindowCounts {
  readonly failures: number
  readonly total: number
}

/**
 * Breaks when more than `failureRatio` of the calls that ended within the last `overMs` milliseconds failed, and at
 * least `minimumCalls` did end. A result counts for exactly `overMs`, then it is gone.
 *
 * The rules stand behind cockatiel's interface; why not its SamplingBreaker: `docs/decisions/policies-on-cockatiel.md`.
 */
export class TimeWindowBreaker implements IBreaker {
  readonly #options: { readonly failureRatio: number; readonly overMs: number; readonly minimumCalls: number }
  readonly #clock: Pick<Clock, 'now'>
  #results: { readonly atMs: number; readonly isFailure: boolean }[] = []
  /** Results before this index are out of the window; they are cut off in blocks, since cutting costs the whole array. */
  #first = 0
  #failures = 0

  constructor(options: { failureRatio: number; overMs: number; minimumCalls: number }, clock: Pick<Clock, 'now'>) {
    this.#options = options
    this.#clock = clock
  }

  get state(): WindowCounts {
    this.#forget()
    return { failures: this.#failures, total: this.#results.length - this.#first }
  }

  success(state: CircuitState): void {
    // As in cockatiel's CountBreaker: the window starts afresh, and the trial that closed the circuit is its first call.
    if (state === CircuitState.HalfOpen) this.#clear()
    this.#add(false)
  }

  failure(state: CircuitState): boolean {
    this.#add(true)
    const { failures, total } = this.state
    const { failureRatio, minimumCalls } = this.#options
    return state !== CircuitState.Closed || (total >= minimumCalls && failures > failureRatio * total)
  }

  #add(isFailure: boolean) {
    this.#results.push({ atMs: this.#clock.now(), isFailure })
    if (isFailure) this.#failures++
  }

  #forget() {
    const goneMs = this.#clock.now() - this.#options.overMs
    for (let oldest; (oldest = this.#results[this.#first]) && oldest.atMs <= goneMs; this.#first++)
      if (oldest.isFailure) this.#failures--
    if (this.#first > this.#results.length / 2) {
      this.#results.splice(0, this.#first)
      this.#first = 0
    }
  }

  #clear() {
    this.#results = []
    this.#first = 0
    this.#failures = 0
  }
}
