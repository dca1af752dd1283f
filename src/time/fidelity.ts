import type { ClockMode, Fidelity } from './clock.ts'

/** Eight steps for each doubling: a value is known to within 9 %. */
const stepsPerDoubling = 8
const buckets = 40 * stepsPerDoubling

const bucketOf = (ms: number) =>
  Math.min(buckets - 1, Math.floor(Math.log2(1 + Math.max(0, ms) * 1000) * stepsPerDoubling))
const upperMs = (bucket: number) => (2 ** ((bucket + 1) / stepsPerDoubling) - 1) / 1000

/** How late waits ended: a histogram over microseconds, of the same size however many there were. */
export class Lateness {
  #counts: Uint32Array | undefined
  #waits = 0
  #withinOneMs = 0
  #early = 0
  #maxMs = 0

  note(lateMs: number): void {
    this.#waits++
    if (lateMs < 0) this.#early++
    if (Math.abs(lateMs) <= 1) this.#withinOneMs++
    if (lateMs > this.#maxMs) this.#maxMs = lateMs
    this.#counts ??= new Uint32Array(buckets)
    this.#counts[bucketOf(lateMs)]!++
  }

  fidelity(): Fidelity {
    const waits = this.#waits
    return fidelity('real', {
      waits,
      withinOneMs: waits === 0 ? 1 : this.#withinOneMs / waits,
      p50LateMs: this.#percentileMs(0.5),
      p99LateMs: this.#percentileMs(0.99),
      maxLateMs: rounded(this.#maxMs),
      early: this.#early,
    })
  }

  #percentileMs(share: number): number {
    let left = Math.ceil(this.#waits * share)
    if (!this.#counts || left === 0) return 0
    const bucket = this.#counts.findIndex((count) => (left -= count) <= 0)
    return rounded(Math.min(upperMs(bucket), this.#maxMs))
  }
}

/** Of a clock that is not measured: virtual time, where there is nothing to measure, and the test runner's. */
export const unmeasured = (mode: ClockMode): Fidelity =>
  fidelity(mode, { waits: 0, withinOneMs: 1, p50LateMs: 0, p99LateMs: 0, maxLateMs: 0, early: 0 })

const fidelity = (mode: ClockMode, figures: Omit<Fidelity, 'mode' | 'toString'>): Fidelity => {
  const text = textOf(mode, figures)
  // Not enumerable, so that what is compared or printed is the figures.
  return Object.freeze(Object.defineProperty({ mode, ...figures }, 'toString', { value: () => text }))
}

function textOf(
  mode: ClockMode,
  { waits, withinOneMs, p99LateMs, maxLateMs, early }: Omit<Fidelity, 'mode' | 'toString'>,
): string {
  if (mode === 'virtual') return 'delays in virtual time are exact'
  if (mode === 'host') return "delays follow the test runner's timers and are not measured"
  if (waits === 0) return 'no delays'
  // Rounded down: 100 % is said of all of them only.
  const percent = Math.floor(withinOneMs * 1000) / 10
  const share = `${percent} % within 1 ms of what was drawn`
  const worst = `p99 ${shownMs(p99LateMs)} late, worst ${shownMs(maxLateMs)}`
  return `${waits.toLocaleString('en')} delay${waits === 1 ? '' : 's'}: ${share}, ${worst}${early > 0 ? `, ${early} early` : ''}`
}

const shownMs = (ms: number) => `${ms < 0.1 ? ms.toFixed(2) : ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`

/** To the microsecond. */
const rounded = (ms: number) => Math.round(ms * 1000) / 1000
