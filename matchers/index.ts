import { eventually } from './eventually.ts'
import { toHaveCallCount } from './toHaveCallCount.ts'
import { toHaveCircuitState } from './toHaveCircuitState.ts'
import { toHaveContainedFailure } from './toHaveContainedFailure.ts'
import { toHaveFallenBack } from './toHaveFallenBack.ts'
import { toHaveOpenedCircuit } from './toHaveOpenedCircuit.ts'
import { toHaveReceived } from './toHaveReceived.ts'
import { toHaveRecovered } from './toHaveRecovered.ts'
import { toHaveRetried } from './toHaveRetried.ts'
import { toHaveTimedOut } from './toHaveTimedOut.ts'
import { toPropagateTrace } from './toPropagateTrace.ts'

export type { EventuallyOptions } from './eventually.ts'
export type { MatcherResult, MatcherState } from './matcher.ts'
export type { EdgeSubject, MeshSubject, ServiceSubject } from './subjects.ts'
export type * from './types.ts'

/**
 * The matchers, for `expect.extend(matchers)` in Jest, Playwright, Vitest or anything that speaks their language. Each is a
 * pure function of recorded state; its waiting twin is named `toEventually...`.
 */
export const matchers = {
  toHaveCallCount,
  toHaveCircuitState,
  toHaveContainedFailure,
  toHaveFallenBack,
  toHaveOpenedCircuit,
  toHaveReceived,
  toHaveRecovered,
  toHaveRetried,
  toHaveTimedOut,
  toPropagateTrace,
  toEventuallyHaveCallCount: eventually('toEventuallyHaveCallCount', toHaveCallCount, { takes: 1 }),
  toEventuallyHaveCircuitState: eventually('toEventuallyHaveCircuitState', toHaveCircuitState, { takes: 1 }),
  toEventuallyHaveContainedFailure: eventually('toEventuallyHaveContainedFailure', toHaveContainedFailure, {
    takes: 1,
  }),
  toEventuallyHaveFallenBack: eventually('toEventuallyHaveFallenBack', toHaveFallenBack, { takes: 1 }),
  toEventuallyHaveOpenedCircuit: eventually('toEventuallyHaveOpenedCircuit', toHaveOpenedCircuit, { takes: 1 }),
  toEventuallyHaveReceived: eventually('toEventuallyHaveReceived', toHaveReceived, { takes: 2 }),
  toEventuallyHaveRecovered: eventually('toEventuallyHaveRecovered', toHaveRecovered, { takes: 1, ownLimit: true }),
  toEventuallyHaveRetried: eventually('toEventuallyHaveRetried', toHaveRetried, { takes: 1 }),
  toEventuallyHaveTimedOut: eventually('toEventuallyHaveTimedOut', toHaveTimedOut, { takes: 1 }),
  toEventuallyPropagateTrace: eventually('toEventuallyPropagateTrace', toPropagateTrace, { takes: 1 }),
}
