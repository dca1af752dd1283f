import type { CircuitStateName } from '../src/journal/entry.ts'
import type { ContainedFailureExpectation } from '../src/verdict/contained-failure.ts'
import type { FallenBackExpectation } from '../src/verdict/fallen-back.ts'
import type { OpenedCircuitExpectation } from '../src/verdict/opened-circuit.ts'
import type { PropagatedTraceOptions } from '../src/verdict/propagated-trace.ts'
import type { ReceivedExpectation } from '../src/verdict/received.ts'
import type { RecoveredExpectation } from '../src/verdict/recovered.ts'
import type { RetriedExpectation } from '../src/verdict/retried.ts'
import type { TimedOutExpectation } from '../src/verdict/timed-out.ts'
import type { EventuallyArguments } from './eventually.ts'

export type {
  CircuitStateName,
  ContainedFailureExpectation,
  FallenBackExpectation,
  OpenedCircuitExpectation,
  PropagatedTraceOptions,
  ReceivedExpectation,
  RecoveredExpectation,
  RetriedExpectation,
  TimedOutExpectation,
}

/**
 * What `expect(...)` gains, for the module augmentation of a runner. `R` is what its matchers return.
 *
 * The matchers read recorded state and answer at once; the `toEventually...` twins wait for it, at most `withinMs`, and must
 * be awaited.
 */
export interface MeshMatchers<R> {
  /**
   * The circuit of an edge opened: the mesh's own, one observed in the code under test, or one inferred from traffic.
   * Re-opening after a failed trial is not counted again.
   *
   * ```ts
   * expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
   * ```
   */
  toHaveOpenedCircuit(expected?: OpenedCircuitExpectation): R

  /**
   * The circuit of an edge is in this state now: `closed`, `open`, `half-open` or `isolated`.
   *
   * ```ts
   * expect(mesh.edge('orders->payments')).toHaveCircuitState('half-open')
   * ```
   */
  toHaveCircuitState(expected: CircuitStateName): R

  /**
   * An edge is well again: its circuit closed after having opened, or, without a circuit, a call succeeded after the last
   * failure. `withinMs` counts from the end of the fault, if one ended meanwhile, else from the opening or the last failure.
   *
   * ```ts
   * expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
   * ```
   */
  toHaveRecovered(expected?: RecoveredExpectation): R

  /**
   * Calls on an edge were retried: `attempts` is the number of retries after the first try (of the call retried most),
   * `backoff` bounds each wait or lists all of them.
   *
   * ```ts
   * expect(mesh.edge('orders->catalog')).toHaveRetried({ attempts: 2, backoff: [50, 100] })
   * ```
   */
  toHaveRetried(expected?: RetriedExpectation): R

  /**
   * Tries on an edge ran out of time.
   *
   * ```ts
   * expect(mesh.edge('orders->payments')).toHaveTimedOut({ times: 2 })
   * ```
   */
  toHaveTimedOut(expected?: TimedOutExpectation): R

  /**
   * Calls on an edge got the answer of its fallback.
   *
   * ```ts
   * expect(mesh.edge('orders->payments')).toHaveFallenBack()
   * ```
   */
  toHaveFallenBack(expected?: FallenBackExpectation): R

  /**
   * Exactly this many calls were made on an edge; a call with its retries is one.
   *
   * ```ts
   * expect(mesh.edge('orders->emails')).toHaveCallCount(1)
   * ```
   */
  toHaveCallCount(expected: number): R

  /**
   * Requests on a route reached a service, retries included. `matching` is a part of the JSON body, or a predicate.
   *
   * ```ts
   * expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1, matching: { amount: 19.99 } })
   * ```
   */
  toHaveReceived(route: string, expected?: ReceivedExpectation): R

  /**
   * The trace context was carried on unbroken, optionally through these services in this order.
   *
   * ```ts
   * expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
   * ```
   */
  toPropagateTrace(expected?: PropagatedTraceOptions): R

  /**
   * Something failed, and nobody outside of these services saw a failure.
   *
   * ```ts
   * expect(mesh).toHaveContainedFailure({ within: ['payments', 'orders'] })
   * ```
   */
  toHaveContainedFailure(expected: ContainedFailureExpectation): R

  /**
   * Waits for {@link MeshMatchers.toHaveOpenedCircuit}.
   *
   * ```ts
   * await expect(mesh.edge('orders->payments')).toEventuallyHaveOpenedCircuit({ afterFailures: 5 }, { withinMs: 500 })
   * ```
   */
  toEventuallyHaveOpenedCircuit(...expected: EventuallyArguments<[expected?: OpenedCircuitExpectation]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveCircuitState}.
   *
   * ```ts
   * await expect(mesh.edge('orders->payments')).toEventuallyHaveCircuitState('closed', { withinMs: 500 })
   * ```
   */
  toEventuallyHaveCircuitState(...expected: EventuallyArguments<[expected: CircuitStateName]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveRecovered}. The first argument is the recovery's own limit, the second the wait's,
   * which is the same unless told.
   *
   * ```ts
   * await expect(mesh.edge('orders->payments')).toEventuallyHaveRecovered({ withinMs: 31_000 })
   * ```
   */
  toEventuallyHaveRecovered(...expected: EventuallyArguments<[expected?: RecoveredExpectation]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveRetried}.
   *
   * ```ts
   * await expect(mesh.edge('orders->catalog')).toEventuallyHaveRetried({ attempts: 2 }, { withinMs: 500 })
   * ```
   */
  toEventuallyHaveRetried(...expected: EventuallyArguments<[expected?: RetriedExpectation]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveTimedOut}.
   *
   * ```ts
   * await expect(mesh.edge('orders->payments')).toEventuallyHaveTimedOut({ withinMs: 3_000 })
   * ```
   */
  toEventuallyHaveTimedOut(...expected: EventuallyArguments<[expected?: TimedOutExpectation]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveFallenBack}.
   *
   * ```ts
   * await expect(mesh.edge('orders->payments')).toEventuallyHaveFallenBack()
   * ```
   */
  toEventuallyHaveFallenBack(...expected: EventuallyArguments<[expected?: FallenBackExpectation]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveCallCount}: holds as soon as there are as many, whether or not more follow.
   *
   * ```ts
   * await expect(mesh.edge('orders->emails')).toEventuallyHaveCallCount(1)
   * ```
   */
  toEventuallyHaveCallCount(...expected: EventuallyArguments<[expected: number]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveReceived}.
   *
   * ```ts
   * await expect(mesh.service('emails')).toEventuallyHaveReceived('POST /receipts', { withinMs: 500 })
   * ```
   */
  toEventuallyHaveReceived(
    ...expected: EventuallyArguments<[route: string, expected?: ReceivedExpectation]>
  ): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toPropagateTrace}.
   *
   * ```ts
   * await expect(mesh).toEventuallyPropagateTrace({ through: ['orders', 'payments'] }, { withinMs: 500 })
   * ```
   */
  toEventuallyPropagateTrace(...expected: EventuallyArguments<[expected?: PropagatedTraceOptions]>): Promise<void>

  /**
   * Waits for {@link MeshMatchers.toHaveContainedFailure}: holds as soon as something failed inside and nothing outside.
   *
   * ```ts
   * await expect(mesh).toEventuallyHaveContainedFailure({ within: 'payments' }, { withinMs: 500 })
   * ```
   */
  toEventuallyHaveContainedFailure(
    ...expected: EventuallyArguments<[expected: ContainedFailureExpectation]>
  ): Promise<void>
}
