import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { unknownService } from '../topology/unknown.ts'
import { counted, listed, outcomeText, timeline } from './evidence.ts'
import { isFailed } from './traffic.ts'

export interface ContainedFailureExpectation {
  /** The services in which failure may be seen. */
  within: string | readonly string[]
}

/**
 * Whether failure stayed inside some services: no caller outside of them saw a call end in failure (nobody answered, or a
 * 5xx), a fallback's answer being none. Asynchronous calls never fail their caller. There must have been something to contain:
 * a failed try, a failed call or a hit of a fault on an edge of these services, or it does not hold.
 *
 * @throws MeshError `MESH_UNKNOWN_SERVICE` when the mesh has no such service.
 */
export function containedFailure(subject: Subject, { within }: ContainedFailureExpectation): Verdict {
  const inside = new Set(typeof within === 'string' ? [within] : within)
  refuseUnknown(subject, [...inside])
  const { journal } = subject
  const calls = new Map(journal.where({ type: 'call.started' }).map((entry) => [entry.call, entry]))
  const failures = journal
    .where({ type: 'call.ended' })
    .filter((entry) => isFailed(entry) && calls.get(entry.call)?.mode !== 'async')
  const escaped = failures.filter(({ edge }) => !inside.has(ends(edge)[0]))
  const touches = ({ edge }: { edge: string }) => ends(edge).some((service) => inside.has(service))
  const contained =
    failures.filter(({ edge }) => inside.has(ends(edge)[0])).length +
    journal.where({ type: 'attempt.ended' }).filter((entry) => isFailed(entry) && touches(entry)).length +
    journal.where({ type: 'fault.hit' }).filter(touches).length
  const callers = [...new Set(escaped.map(({ edge }) => ends(edge)[0]))].toSorted()
  return {
    ok: escaped.length === 0 && contained > 0,
    summary:
      escaped.length > 0
        ? `${listed(callers)} saw ${counted(escaped.length, 'failure')}`
        : contained > 0
          ? `nothing outside of ${listed([...inside])} saw a failure`
          : `nothing failed on any call of ${listed([...inside])}, so there was nothing to contain`,
    evidence: timeline(
      (escaped.length > 0 ? escaped : failures).map((entry) => ({
        seq: entry.seq,
        t: entry.t,
        cells: [
          entry.edge,
          `${calls.get(entry.call)?.method ?? '?'} ${calls.get(entry.call)?.path ?? '?'}`,
          outcomeText(entry.outcome, entry.status),
        ],
      })),
    ),
  }
}

const ends = (edge: string): [caller: string, callee: string] => {
  const [caller = '', callee = ''] = edge.split('->')
  return [caller, callee]
}

function refuseUnknown(subject: Subject, names: readonly string[]): void {
  const { mesh, services } = subject.facts()
  const unknown = names.find((name) => !services.includes(name))
  if (unknown !== undefined) throw unknownService(unknown, mesh, services)
}
