/** A verdict on a history: computed in `src`, worded by a matcher. */
export interface Verdict {
  readonly ok: boolean
  /** Set when it cannot be told: then neither the expectation holds nor its opposite. */
  readonly undecided?: boolean
  /** One sentence on what was found, whether it holds or not: `the circuit opened once, after 5 failures`. */
  readonly summary: string
  /** Lines that show why: calls with times and outcomes, transitions, the hop where a trace broke. */
  readonly evidence: readonly string[]
  /** What was expected and found, when it is one comparable value (runners show these). */
  readonly expected?: unknown
  readonly actual?: unknown
}
