import type { CircuitStateName } from '../journal/entry.ts'

/** One change of a circuit's state, read, observed or inferred. */
export interface Transition {
  /** Where it stands in the history; between two entries for an inferred one. */
  readonly seq: number
  readonly t: number
  readonly from: CircuitStateName
  readonly to: CircuitStateName
  readonly reason: string
  /** Failures in a row that led to an opening. */
  readonly failures?: number
}
