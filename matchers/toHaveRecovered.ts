import type { RecoveredExpectation } from '../src/verdict/recovered.ts'
import { recovered } from '../src/verdict/recovered.ts'
import { check, milliseconds } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

export function toHaveRecovered(
  this: MatcherState,
  received: EdgeSubject,
  expected: RecoveredExpectation = {},
): MatcherResult {
  check('toHaveRecovered', expected, { withinMs: milliseconds })
  const { withinMs } = expected
  return judge(this, received, {
    name: 'toHaveRecovered',
    on: 'edge',
    args: Object.keys(expected).length > 0 ? [expected] : [],
    verdict: (edge) => recovered(edge, expected),
    wanted: (not) => `the edge ${not}to recover${withinMs === undefined ? '' : ` within ${withinMs} ms`}`,
  })
}
