import { callCount } from '../src/verdict/call-count.ts'
import { counted } from '../src/verdict/evidence.ts'
import { checkValue, integer } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

const count = integer(0)

export function toHaveCallCount(this: MatcherState, received: EdgeSubject, expected: number): MatcherResult {
  checkValue('toHaveCallCount', 'the count', expected, count)
  return judge(this, received, {
    name: 'toHaveCallCount',
    on: 'edge',
    args: [expected],
    verdict: (edge) => callCount(edge, expected),
    wanted: (not) => (not ? `a number of calls other than ${expected}` : counted(expected, 'call')),
  })
}
