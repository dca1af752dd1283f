import { CircuitState as Phase } from 'cockatiel'
import type { Call } from '../call/call.ts'
import type { Filter, FilterContext } from '../call/filter.ts'
import { failed, type Reply } from '../call/reply.ts'
import type { CircuitBreakerOptions } from '../topology/options.ts'
import { failureCounts } from './failure-counts.ts'
import { defaultFailureConditions, matchesFailure, saysNothing } from './failure.ts'

/** A circuit as it stands, plain JSON. An open circuit whose time is over stays open until a call comes. */
export type CircuitState =
  /** `failures` as its rule counts them: in a row, or within its window. */
  | { readonly state: 'closed'; readonly failures: number }
  /** Rejects until this moment of the mesh's clock (milliseconds; in a simulation the mesh's clock goes on where real time left it); the first call from then on is a trial. */
  | { readonly state: 'open'; readonly untilMs: number }
  /** Trials that run, and trials that have succeeded. */
  | { readonly state: 'half-open'; readonly inFlight: number; readonly succeeded: number }
  | { readonly state: 'isolated' }

/** The circuit breaker of one edge. */
export interface Circuit {
  readonly filter: Filter
  readonly state: CircuitState
  /** Rejects every call until `reset()`. Nothing happens if it is isolated already. */
  isolate(): void
  /** Closes the circuit, whatever its state, and forgets all failures. */
  reset(): void
  toJSON(): CircuitState
}

/** What one call tells the circuit. */
type Result = 'success' | 'failure' | 'nothing'
type Settle = (result: Result) => void
type Trials = { readonly state: 'half-open'; inFlight: number; succeeded: number }
type Standing =
  | { readonly state: 'closed' }
  | { readonly state: 'open'; readonly untilMs: number }
  | Trials
  | { readonly state: 'isolated' }

/**
 * A circuit breaker: stops calling a callee that fails, for `openMs` milliseconds, then tries again carefully.
 *
 * - closed: calls pass and are counted by the rule in the options; when it breaks, the circuit opens.
 * - open: calls are rejected as `circuit-open`. From exactly `openMs` after opening, the next call is a trial.
 * - half-open: at most `halfOpenCalls` trials run at once, other calls are rejected. When that many have succeeded the
 *   circuit closes; a single failure opens it for `openMs` again.
 *
 * Aborted calls and rejections by a bulkhead further in count as neither success nor failure. The options must have been
 * checked (`validateEdgeOptions`).
 */
export function createCircuit(options: CircuitBreakerOptions, context: FilterContext): Circuit {
  const { openMs, halfOpenCalls = 1, failOn = defaultFailureConditions } = options
  const { edge, clock, record } = context

  let counts = failureCounts(options, clock)
  let standing: Standing = { state: 'closed' }
  // Every transition begins a new period. What a call of an earlier one comes back with is old news: a slow failure from
  // before must not re-open a circuit that has just recovered, nor a slow success close one.
  let period = 0

  const change = (to: Standing, reason: string, call?: Call) => {
    const from = standing.state
    standing = to
    period++
    const { failures } = counts
    record('circuit.changed', {
      edge,
      from,
      to: to.state,
      reason,
      ...(call && { call: call.id }),
      failures,
      source: 'mesh',
    })
  }
  const open = (reason: string, call: Call) => change({ state: 'open', untilMs: clock.now() + openMs }, reason, call)

  const counted =
    (call: Call): Settle =>
    (result) => {
      if (result === 'success') counts.breaker.success(Phase.Closed)
      else if (result === 'failure' && counts.breaker.failure(Phase.Closed)) open(counts.reason, call)
    }

  const trial =
    (trials: Trials, call: Call): Settle =>
    (result) => {
      trials.inFlight--
      if (result === 'failure') {
        counts.breaker.failure(Phase.HalfOpen)
        open('trial failed', call)
      } else if (result === 'success' && ++trials.succeeded === halfOpenCalls) {
        counts.breaker.success(Phase.HalfOpen)
        change({ state: 'closed' }, halfOpenCalls === 1 ? 'trial succeeded' : `${halfOpenCalls} trials succeeded`, call)
      }
    }

  /** What to do with the call's result, or undefined if it may not go. */
  const admit = (call: Call): Settle | undefined => {
    if (standing.state === 'open' && clock.now() >= standing.untilMs)
      change({ state: 'half-open', inFlight: 0, succeeded: 0 }, `open for ${openMs} ms`, call)
    if (standing.state === 'closed') return counted(call)
    if (standing.state !== 'half-open') return undefined
    // Trials are counted on the way in: counting answers would let a burst through before the first one is back.
    if (standing.inFlight + standing.succeeded >= halfOpenCalls) return undefined
    standing.inFlight++
    return trial(standing, call)
  }

  const resultOf = (reply: Reply): Result => {
    if (saysNothing(reply)) return 'nothing'
    return matchesFailure(failOn, reply) === undefined ? 'success' : 'failure'
  }

  const filter: Filter = async (call, next) => {
    const settle = admit(call)
    if (settle === undefined) {
      record('circuit.rejected', { edge, call: call.id, source: 'mesh' })
      return failed('circuit-open', { message: `The circuit of ${edge} is ${standing.state}.` })
    }
    const begun = period
    let result: Result = 'nothing'
    try {
      const reply = await next(call)
      result = resultOf(reply)
      return reply
    } finally {
      // Also when something threw: a trial whose place is never given back would keep the circuit half-open for good.
      if (begun === period) settle(result)
    }
  }

  const state = (): CircuitState =>
    standing.state === 'closed' ? { state: 'closed', failures: counts.failures } : { ...standing }

  return {
    filter,
    get state() {
      return state()
    },
    isolate() {
      if (standing.state !== 'isolated') change({ state: 'isolated' }, 'isolated')
    },
    reset() {
      counts = failureCounts(options, clock)
      if (standing.state === 'closed') period++
      else change({ state: 'closed' }, 'reset')
    },
    toJSON: state,
  }
}
