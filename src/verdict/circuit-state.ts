import type { CircuitStateName } from '../journal/entry.ts'
import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { circuitOf, sourceText } from './circuit.ts'
import { attemptRows, timeline, transitionRows } from './evidence.ts'
import { attemptsOn } from './traffic.ts'

/**
 * Whether the circuit of an edge stands in this state by the end of the journal. A circuit that may let a trial through is
 * still `open` until it does. Never holds when traffic alone cannot tell.
 */
export function circuitState(subject: Subject, expected: CircuitStateName): Verdict {
  const attempts = attemptsOn(subject)
  const circuit = circuitOf(subject, attempts)
  const last = circuit.transitions.at(-1)
  const found =
    circuit.doubt !== undefined
      ? `its state cannot be told: ${circuit.doubt}`
      : last
        ? `it is ${circuit.state}, since ${last.reason}`
        : `it is ${circuit.state}, and never changed`
  return {
    ok: circuit.doubt === undefined && circuit.state === expected,
    ...(circuit.doubt !== undefined && { undecided: true }),
    summary: `${found} (${sourceText[circuit.source]})`,
    evidence: timeline([...attemptRows(attempts), ...transitionRows(circuit.transitions)]),
    ...(circuit.doubt === undefined && { expected, actual: circuit.state }),
  }
}
