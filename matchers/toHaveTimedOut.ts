import { counted } from '../src/verdict/evidence.ts'
import type { TimedOutExpectation } from '../src/verdict/timed-out.ts'
import { timedOut } from '../src/verdict/timed-out.ts'
import { check, integer } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

export function toHaveTimedOut(
  this: MatcherState,
  received: EdgeSubject,
  expected: TimedOutExpectation = {},
): MatcherResult {
  check('toHaveTimedOut', expected, { times: integer(0) })
  return judge(this, received, {
    name: 'toHaveTimedOut',
    on: 'edge',
    args: Object.keys(expected).length > 0 ? [expected] : [],
    verdict: (edge) => timedOut(edge, expected),
    wanted: (not) =>
      expected.times === undefined
        ? `${not ? 'no' : 'a'} try to time out`
        : `${counted(expected.times, 'try', 'tries')} ${not}to time out`,
  })
}
