import type { CircuitStateName, Entry } from '../journal/entry.ts'
import type { Subject } from '../journal/subject.ts'
import { inferCircuit } from './circuit-inference.ts'
import type { Attempt } from './traffic.ts'
import { attemptsOn, factsOf } from './traffic.ts'
import type { Transition } from './transition.ts'

/** Whose circuit it is: the mesh's own is read, one in the code under test is observed, otherwise traffic must tell. */
export type CircuitSource = 'mesh' | 'observed' | 'inferred'

export interface CircuitHistory {
  readonly source: CircuitSource
  readonly transitions: readonly Transition[]
  readonly state: CircuitStateName
  /** Why traffic cannot tell whether the circuit opened. */
  readonly doubt?: string
  /** What an inference rests on, one sentence for each opening. */
  readonly grounds: readonly string[]
}

export const sourceText: Record<CircuitSource, string> = {
  mesh: "the mesh's own circuit",
  observed: 'observed in the code under test',
  inferred: 'inferred from traffic',
}

/** What became of the circuit of an edge. */
export function circuitOf(subject: Subject, attempts: readonly Attempt[] = attemptsOn(subject)): CircuitHistory {
  const changes = subject.journal
    .where({ type: 'circuit.changed', edge: subject.name })
    .filter(({ from, to }) => from !== to)
  const facts = factsOf(subject)
  // A breaker that is no longer observed has left its entries: they are still better than a guess.
  const source = facts?.ownsCircuit ? 'mesh' : facts?.observed ? 'observed' : (changes[0]?.source ?? 'inferred')
  if (source === 'inferred') {
    const { transitions, doubt, grounds } = inferCircuit(subject, attempts)
    return { source, transitions, state: stateAfter(transitions), grounds, ...(doubt !== undefined && { doubt }) }
  }
  const transitions = changes
    .filter((change) => change.source === source)
    .map((change) => ({
      seq: change.seq,
      t: change.t,
      from: change.from,
      to: change.to,
      reason: change.reason,
      ...(change.to === 'open' && { failures: change.failures ?? failuresBefore(change, attempts) }),
    }))
  return { source, transitions, state: stateAfter(transitions), grounds: [] }
}

const stateAfter = (transitions: readonly Transition[]): CircuitStateName => transitions.at(-1)?.to ?? 'closed'

/** Openings of a circuit that was in use; a failed trial re-opens, which is not counted as another opening. */
export const openingsOf = ({ transitions }: CircuitHistory): Transition[] =>
  transitions.filter(({ from, to }) => to === 'open' && from !== 'half-open')

export const reopeningsOf = ({ transitions }: CircuitHistory): Transition[] =>
  transitions.filter(({ from, to }) => to === 'open' && from === 'half-open')

/** Failures in a row directly before an opening. */
function failuresBefore(opening: Entry<'circuit.changed'>, attempts: readonly Attempt[]): number {
  // The breaker stands inside of what records tries, so the try that opens it may be written down as ended just after.
  const before = attempts
    .filter(
      ({ seq, endedSeq, call }) =>
        endedSeq !== undefined && (endedSeq < opening.seq || (call === opening.call && seq < opening.seq)),
    )
    .toSorted((a, b) => a.endedSeq! - b.endedSeq!)
  let failures = 0
  for (const { failed, rejected } of before) if (!rejected) failures = failed ? failures + 1 : 0
  return failures
}
