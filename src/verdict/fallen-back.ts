import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { callRows, counted, timeline } from './evidence.ts'
import { callsOn, factsOf } from './traffic.ts'

export interface FallenBackExpectation {
  /** How many calls got the fallback's answer. Default: one at least. */
  times?: number
}

/** Whether calls on an edge were answered by its fallback. A fallback inside the code under test leaves no trace here. */
export function fallenBack(subject: Subject, { times: wanted }: FallenBackExpectation = {}): Verdict {
  const calls = callsOn(subject)
  const reasons = new Map(
    subject.journal.where({ type: 'fallback.used', edge: subject.name }).map((entry) => [entry.call, entry.reason]),
  )
  const found = calls.filter(({ id, via }) => via === 'fallback' || reasons.has(id))
  const blind = found.length === 0 && factsOf(subject)?.callerUnderTest
  return {
    ok: wanted === undefined ? found.length > 0 : found.length === wanted,
    summary:
      (calls.length === 0
        ? 'no call was made'
        : `${found.length} of ${counted(calls.length, 'call')} got the fallback's answer`) +
      (blind ? ' (the mesh does not see a fallback of the code under test: look at what that code returns)' : ''),
    evidence: timeline(
      callRows(calls, ({ id, via }) => {
        const reason = reasons.get(id)
        return reason === undefined ? (via === 'fallback' ? 'fallback' : '') : `fallback: ${reason}`
      }),
    ),
    ...(wanted !== undefined && { expected: wanted, actual: found.length }),
  }
}
