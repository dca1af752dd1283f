import type { Subject } from '../journal/subject.ts'
import type { Verdict } from '../journal/verdict.ts'
import { callRows, counted, timeline } from './evidence.ts'
import { attemptsOn, callsOn } from './traffic.ts'
import { unseenRefusals } from './unseen-refusals.ts'

/** Whether exactly this many calls were made on an edge. A call with retries is one call. */
export function callCount(subject: Subject, expected: number): Verdict {
  const calls = callsOn(subject)
  const tries = attemptsOn(subject).length
  const unseen = unseenRefusals(subject)
  const made = calls.length === 1 ? 'there was 1' : `there were ${calls.length}`
  return {
    ok: calls.length === expected,
    ...(unseen !== undefined && { undecided: true }),
    summary: `${unseen ? 'it cannot be told: ' : ''}${made}${tries > calls.length ? ` (in ${counted(tries, 'try', 'tries')})` : ''}${unseen ? `, but ${unseen}` : ''}`,
    evidence: timeline(callRows(calls)),
    expected,
    actual: calls.length,
  }
}
