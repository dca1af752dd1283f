import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { attemptRows, counted, formatMs, timeline, times } from './evidence.ts'
import { attemptsOn, factsOf } from './traffic.ts'
import type { Attempt } from './traffic.ts'

export interface TimedOutExpectation {
  /** How many tries timed out (each retry is a try). Default: one at least. */
  times?: number
}

/**
 * Whether tries on an edge ran out of time: the time-out of the mesh fired, or, on an edge of the code under test, the caller
 * went away before there was an answer. The mesh cannot tell the caller's own time-out from a cancellation, and says so.
 */
export function timedOut(subject: Subject, { times: wanted }: TimedOutExpectation = {}): Verdict {
  const left = new Set(subject.journal.where({ type: 'call.given-up', edge: subject.name }).map(({ call }) => call))
  const sent = attemptsOn(subject)
  const last = new Map(sent.map((attempt) => [attempt.call, attempt]))
  // The end of a try whose caller has left is written down a moment later; one that was answered when its caller left was
  // still on its way, slowly.
  const isLeft = (attempt: Attempt) =>
    left.has(attempt.call) &&
    (attempt.outcome === undefined || (attempt.outcome === 'answered' && last.get(attempt.call) === attempt))
  const attempts = sent.map((attempt) => (isLeft(attempt) ? { ...attempt, outcome: 'aborted' as const } : attempt))
  const fired = subject.journal.where({ type: 'timeout.fired', edge: subject.name })
  const byMesh = new Set(fired.map(({ call, attempt }) => `${call}#${attempt}`))
  const late = attempts.filter(({ call, retry, outcome }) => outcome === 'timeout' || byMesh.has(`${call}#${retry}`))
  // What the caller gives up on ends as `aborted`, and as `hung` when a fault kept the answer back.
  const givenUp = factsOf(subject)?.callerUnderTest
    ? attempts.filter((attempt) => !late.includes(attempt) && /^(aborted|hung)$/.test(attempt.outcome ?? ''))
    : []
  // A caller over a real socket is noticed a moment after it gave up: a matcher asked at once sees the try still open.
  const open = attempts.filter(({ outcome }) => outcome === undefined).length
  const found = late.length + givenUp.length
  const limits = [...new Set(fired.map(({ afterMs }) => formatMs(afterMs)))]
  return {
    ok: wanted === undefined ? found > 0 : found === wanted,
    summary: [
      attempts.length === 0
        ? 'nothing was sent'
        : `${late.length} of ${counted(attempts.length, 'try', 'tries')} timed out`,
      ...(limits.length > 0 ? [` after ${limits.join(', ')}`] : []),
      ...(givenUp.length > 0
        ? [`, and the code under test gave up ${times(givenUp.length)} (its own time-out, or a cancellation)`]
        : []),
      ...(open > 0
        ? [`, and ${open} ${open === 1 ? 'has' : 'have'} not ended yet: await toEventuallyHaveTimedOut`]
        : []),
    ].join(''),
    evidence: timeline(attemptRows(attempts)),
    ...(wanted !== undefined && { expected: wanted, actual: found }),
  }
}
