import { counted } from '../src/verdict/evidence.ts'
import type { FallenBackExpectation } from '../src/verdict/fallen-back.ts'
import { fallenBack } from '../src/verdict/fallen-back.ts'
import { check, integer } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

export function toHaveFallenBack(
  this: MatcherState,
  received: EdgeSubject,
  expected: FallenBackExpectation = {},
): MatcherResult {
  check('toHaveFallenBack', expected, { times: integer(0) })
  return judge(this, received, {
    name: 'toHaveFallenBack',
    on: 'edge',
    args: Object.keys(expected).length > 0 ? [expected] : [],
    verdict: (edge) => fallenBack(edge, expected),
    wanted: (not) =>
      expected.times === undefined
        ? `${not ? 'no' : 'a'} call to get the fallback's answer`
        : `${counted(expected.times, 'call')} ${not}to get the fallback's answer`,
  })
}
