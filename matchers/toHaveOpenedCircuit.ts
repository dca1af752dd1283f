import { counted, times } from '../src/verdict/evidence.ts'
import type { OpenedCircuitExpectation } from '../src/verdict/opened-circuit.ts'
import { openedCircuit } from '../src/verdict/opened-circuit.ts'
import { check, integer } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

export function toHaveOpenedCircuit(
  this: MatcherState,
  received: EdgeSubject,
  expected: OpenedCircuitExpectation = {},
): MatcherResult {
  check('toHaveOpenedCircuit', expected, { afterFailures: integer(1), times: integer(0) })
  const { afterFailures, times: wanted } = expected
  return judge(this, received, {
    name: 'toHaveOpenedCircuit',
    on: 'edge',
    args: Object.keys(expected).length > 0 ? [expected] : [],
    verdict: (edge) => openedCircuit(edge, expected),
    wanted: (not) =>
      [
        `the circuit ${not}to open`,
        ...(wanted === undefined ? [] : [times(wanted)]),
        ...(afterFailures === undefined ? [] : [`after ${counted(afterFailures, 'failure')}`]),
      ].join(' '),
  })
}
