import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import type { CircuitHistory } from './circuit.ts'
import { circuitOf, openingsOf, reopeningsOf, sourceText } from './circuit.ts'
import { attemptRows, counted, listed, timeline, times, transitionRows } from './evidence.ts'
import type { Attempt } from './traffic.ts'
import { attemptsOn, longestFailureRun } from './traffic.ts'

export interface OpenedCircuitExpectation {
  /**
   * Failures in a row directly before the opening: what the breaker itself reports, else the failed tries on the edge since
   * the last success (rejections left out).
   */
  afterFailures?: number
  /** How many openings there were, of those that fit `afterFailures`. Default: one at least. */
  times?: number
}

/**
 * Whether the circuit of an edge opened. Re-opening after a failed trial is not counted as another opening. A circuit of the
 * mesh is read, one of the code under test is taken from `mesh.observe`, otherwise it is inferred from traffic.
 */
export function openedCircuit(subject: Subject, expected: OpenedCircuitExpectation = {}): Verdict {
  const attempts = attemptsOn(subject)
  const circuit = circuitOf(subject, attempts)
  const openings = openingsOf(circuit)
  const { afterFailures, times: wanted } = expected
  const fitting = openings.filter(({ failures }) => afterFailures === undefined || failures === afterFailures)
  return {
    ok: circuit.doubt === undefined && (wanted === undefined ? fitting.length > 0 : fitting.length === wanted),
    ...(circuit.doubt !== undefined && { undecided: true }),
    summary: `${opened(circuit, attempts)} (${sourceText[circuit.source]})`,
    evidence: timeline([...attemptRows(attempts), ...transitionRows(circuit.transitions)]),
    ...(wanted !== undefined && { expected: wanted, actual: fitting.length }),
  }
}

function opened(circuit: CircuitHistory, attempts: readonly Attempt[]): string {
  const openings = openingsOf(circuit)
  if (circuit.doubt !== undefined) return `it cannot be told whether the circuit opened: ${circuit.doubt}`
  if (openings.length === 0) {
    const run = longestFailureRun(attempts)
    const seen = attempts.length === 0 ? 'nothing was sent' : `${counted(attempts.length, 'try', 'tries')}`
    return `the circuit never opened: ${seen}${run > 0 ? `, at most ${counted(run, 'failure')} in a row` : attempts.length > 0 ? ', none failed' : ''}`
  }
  const failures = openings.map((opening) => opening.failures ?? 0)
  const last = failures.at(-1)!
  const reopenings = reopeningsOf(circuit).length
  return [
    `the circuit opened ${times(openings.length)}, after ${failures.length === 1 ? counted(last, 'failure') : `${listed(failures)} failures`}`,
    ...(reopenings > 0 ? [`and again ${times(reopenings)} after a failed trial`] : []),
  ].join(', ')
}
