import { ConsecutiveBreaker, CountBreaker, type IBreaker } from 'cockatiel'
import type { Clock } from '../time/clock.ts'
import type { CircuitBreakerOptions } from '../topology/options.ts'
import { TimeWindowBreaker } from './time-window-breaker.ts'

/** A counting rule with what a journal wants to know of it. */
export interface FailureCounts {
  readonly breaker: IBreaker
  /** Failures that the rule holds against the callee now. */
  readonly failures: number
  /** Why the rule breaks now: `5 consecutive failures`. */
  readonly reason: string
}

/**
 * The counting rule that the options ask for: consecutive failures open at `>= n`, ratios at `> ratio * total`. An option
 * that is undefined is not given.
 */
export function failureCounts(options: CircuitBreakerOptions, clock: Pick<Clock, 'now'>): FailureCounts {
  if ('consecutiveFailures' in options && options.consecutiveFailures !== undefined) return consecutive(options)
  if ('overCalls' in options && options.overCalls !== undefined) return overCalls(options)
  // The definition was checked when it was declared: one of the three is given.
  return overTime(options as Extract<CircuitBreakerOptions, { overMs: number }>, clock)
}

function consecutive({ consecutiveFailures }: { consecutiveFailures: number }): FailureCounts {
  const breaker = new ConsecutiveBreaker(consecutiveFailures)
  return {
    breaker,
    get failures() {
      return breaker.state
    },
    get reason() {
      return `${breaker.state} consecutive ${breaker.state === 1 ? 'failure' : 'failures'}`
    },
  }
}

function overCalls(options: { failureRatio: number; overCalls: number; minimumCalls?: number }): FailureCounts {
  const { failureRatio, overCalls: size, minimumCalls = size } = options
  const breaker = new CountBreaker({ threshold: failureRatio, size, minimumNumberOfCalls: minimumCalls })
  // Typed unknown by cockatiel because it is only meant for restoring; both numbers are part of it.
  const counts = () => breaker.state as { failures: number; successes: number }
  return {
    breaker,
    get failures() {
      return counts().failures
    },
    get reason() {
      const { failures, successes } = counts()
      return `${failures} of the last ${failures + successes} calls failed`
    },
  }
}

function overTime(
  { failureRatio, overMs, minimumCalls = 5 }: { failureRatio: number; overMs: number; minimumCalls?: number },
  clock: Pick<Clock, 'now'>,
): FailureCounts {
  const breaker = new TimeWindowBreaker({ failureRatio, overMs, minimumCalls }, clock)
  return {
    breaker,
    get failures() {
      return breaker.state.failures
    },
    get reason() {
      const { failures, total } = breaker.state
      return `${failures} of ${total} calls in ${overMs} ms failed`
    },
  }
}
