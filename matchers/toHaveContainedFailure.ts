import type { ContainedFailureExpectation } from '../src/verdict/contained-failure.ts'
import { containedFailure } from '../src/verdict/contained-failure.ts'
import { check, names } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { MeshSubject } from './subjects.ts'

export function toHaveContainedFailure(
  this: MatcherState,
  received: MeshSubject,
  expected: ContainedFailureExpectation,
): MatcherResult {
  check('toHaveContainedFailure', expected, { within: names }, 'within')
  const within = typeof expected.within === 'string' ? expected.within : expected.within.join(', ')
  return judge(this, received, {
    name: 'toHaveContainedFailure',
    on: 'mesh',
    args: [expected],
    verdict: (mesh) => containedFailure(mesh, expected),
    wanted: (not) => `failure ${not}to stay within ${within}`,
  })
}
