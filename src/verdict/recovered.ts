import type { Entry } from '../journal/entry.ts'
import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import type { CircuitHistory } from './circuit.ts'
import { circuitOf, openingsOf, sourceText } from './circuit.ts'
import type { Row } from './evidence.ts'
import { attemptRows, formatMs, timeline, transitionRows } from './evidence.ts'
import type { Attempt } from './traffic.ts'
import { attemptsOn } from './traffic.ts'
import { unseenRefusals } from './unseen-refusals.ts'

export interface RecoveredExpectation {
  /** Milliseconds the recovery may take at most, on the mesh's clock. Default: any time. */
  withinMs?: number
}

/** From when to when a recovery went, or why there was none. */
type Recovery = { ok: true; tookMs: number; since: string; what: string } | { ok: false; why: string }

/**
 * Whether an edge is well again after trouble.
 *
 * With a circuit: it opened, and after its last opening it closed again. `withinMs` counts from the end of the last fault
 * that hit the edge, if one ended between the opening and the closing, else from that opening (the first of the outage:
 * re-openings after failed trials belong to it).
 *
 * Without any (none of the mesh, none observed, none inferred): the last failure was followed by a success. `withinMs` counts
 * from the end of the last fault that hit the edge, if one ended since the failures began, else from the last failure.
 */
export function recovered(subject: Subject, { withinMs }: RecoveredExpectation = {}): Verdict {
  const attempts = attemptsOn(subject)
  const circuit = circuitOf(subject, attempts)
  const faults = endedFaults(subject)
  const byTraffic = circuit.source === 'inferred' && circuit.transitions.length === 0
  const recovery = byTraffic ? trafficRecovery(attempts, faults) : circuitRecovery(circuit, faults)
  const source = byTraffic ? 'no circuit is known on this edge' : sourceText[circuit.source]
  const unseen = recovery.ok ? undefined : unseenRefusals(subject)
  return {
    ok: recovery.ok && (withinMs === undefined || recovery.tookMs <= withinMs),
    ...(unseen !== undefined && { undecided: true }),
    summary: unseen
      ? `it cannot be told: ${unseen}`
      : recovery.ok
        ? `${recovery.what} ${formatMs(recovery.tookMs)} after ${recovery.since} (${source})`
        : `${recovery.why} (${source})`,
    evidence: timeline([...attemptRows(attempts), ...transitionRows(circuit.transitions), ...faultRows(faults)]),
    ...(recovery.ok && withinMs !== undefined && { expected: withinMs, actual: recovery.tookMs }),
  }
}

type FaultEnd = Entry<'fault.reverted'>

/** The ends of the faults that hit this edge. */
function endedFaults({ journal, name }: Subject): FaultEnd[] {
  const hits = new Set(journal.where({ type: 'fault.hit', edge: name }).map(({ fault }) => fault))
  return journal.where({ type: 'fault.reverted' }).filter(({ fault }) => hits.has(fault))
}

const faultRows = (faults: readonly FaultEnd[]): Row[] =>
  faults.map(({ seq, t, kind, reason }) => ({ seq, t, cells: `${kind} ended  ${reason}`, key: true }))

function circuitRecovery(circuit: CircuitHistory, faults: readonly FaultEnd[]): Recovery {
  const opening = openingsOf(circuit).at(-1)
  if (!opening) return { ok: false, why: 'the circuit never opened, so there was nothing to recover from' }
  const closing = circuit.transitions.find(({ seq, to }) => seq > opening.seq && to === 'closed')
  if (!closing || circuit.state !== 'closed') return { ok: false, why: `the circuit opened and is ${circuit.state}` }
  const fault = faults.findLast(({ seq }) => seq > opening.seq && seq < closing.seq)
  return {
    ok: true,
    what: 'the circuit closed',
    tookMs: closing.t - (fault ?? opening).t,
    since: fault ? `the end of the ${fault.kind}` : 'it had opened',
  }
}

function trafficRecovery(attempts: readonly Attempt[], faults: readonly FaultEnd[]): Recovery {
  const ended = attempts
    .filter(({ endedSeq, rejected }) => endedSeq !== undefined && !rejected)
    .toSorted((a, b) => a.endedSeq! - b.endedSeq!)
  const last = ended.findLastIndex(({ failed }) => failed)
  if (last === -1) return { ok: false, why: 'no call failed, so there was nothing to recover from' }
  const success = ended[last + 1]
  if (!success) return { ok: false, why: 'no call succeeded after the last failure' }
  const began = ended.findLastIndex(({ failed }, i) => i < last && !failed) + 1
  const fault = faults.findLast(({ seq }) => seq > ended[began]!.seq && seq < success.endedSeq!)
  return {
    ok: true,
    what: 'a call succeeded',
    tookMs: success.endedMs! - (fault ? fault.t : ended[last]!.endedMs!),
    since: fault ? `the end of the ${fault.kind}` : 'the last failure',
  }
}
