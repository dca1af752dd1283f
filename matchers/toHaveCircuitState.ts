import type { CircuitStateName } from '../src/journal/entry.ts'
import { circuitState } from '../src/verdict/circuit-state.ts'
import { checkValue, oneOf } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

const state = oneOf('closed', 'open', 'half-open', 'isolated')

export function toHaveCircuitState(
  this: MatcherState,
  received: EdgeSubject,
  expected: CircuitStateName,
): MatcherResult {
  checkValue('toHaveCircuitState', 'the state', expected, state)
  return judge(this, received, {
    name: 'toHaveCircuitState',
    on: 'edge',
    args: [expected],
    verdict: (edge) => circuitState(edge, expected),
    wanted: (not) => `the circuit ${not}to be ${expected}`,
  })
}
