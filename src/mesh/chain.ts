import type { Call } from '../call/call.ts'
import { compose } from '../call/filter.ts'
import type { Filter, FilterContext, Next } from '../call/filter.ts'
import { bulkhead } from '../resilience/bulkhead.ts'
import { createCircuit } from '../resilience/circuit-breaker.ts'
import type { Circuit } from '../resilience/circuit-breaker.ts'
import { fallback } from '../resilience/fallback.ts'
import { retry } from '../resilience/retry.ts'
import { timeout } from '../resilience/timeout.ts'
import type { EdgeOptions } from '../topology/options.ts'

export interface Chain {
  readonly run: Next
  /** Whether no policy stands on the caller's side. */
  readonly isPlain: boolean
  readonly circuit?: Circuit | undefined
  readonly bulkhead?: Filter | undefined
}

/** What an edge has already and keeps when its options change, because it holds what has happened so far. */
export type Kept = Pick<Chain, 'circuit' | 'bulkhead'>

export interface ChainParts {
  readonly options: EdgeOptions
  /** False for a caller under test without a sidecar: its own code has its own policies. */
  readonly applyPolicies: boolean
  readonly context: FilterContext
  readonly kept: Kept
  /** CLIENT span of one try. */
  readonly clientTracing: Filter
  /** What ends for a caller that gives up, gates, then the faults of this edge and of its callee. */
  readonly network: readonly Filter[]
  /** The callee's side: SERVER span, response time, handler. */
  readonly callee: Next
}

/**
 * The order of everything that happens to a call, in the one place where it stands. Outermost first:
 *
 * 1. fallback: replaces whatever failure is left in the end, rejections by the circuit included.
 * 2. retry: each try passes the circuit again, so that an open circuit stops the tries that are left.
 * 3. circuit breaker: sees each try, not each call.
 * 4. bulkhead: inside the circuit, since a rejected call holds no place; inside retry, since no place is held while waiting.
 * 5. the record of one try, so that its outcome is what the policies above saw.
 * 6. timeout: limits one try, the time in the bulkhead's queue excluded.
 * 7. CLIENT span: one per try, as OpenTelemetry's HTTP conventions have it.
 * 8. the network: ends here for a caller that gives up; gates hold what comes back; faults act on the way there and back.
 * 9. the callee.
 */
export function buildChain({
  options,
  applyPolicies,
  context,
  clientTracing,
  network,
  callee,
  kept,
}: ChainParts): Chain {
  const filters: Filter[] = []
  let circuit: Circuit | undefined
  let bulkheadFilter: Filter | undefined
  if (applyPolicies) {
    if (options.fallback !== undefined) filters.push(fallback(options.fallback, context))
    if (options.retry) filters.push(retry(options.retry, context))
    if (options.circuitBreaker) {
      circuit = kept.circuit ?? createCircuit(options.circuitBreaker, context)
      filters.push(circuit.filter)
    }
    if (options.bulkhead) {
      bulkheadFilter = kept.bulkhead ?? bulkhead(options.bulkhead, context)
      filters.push(bulkheadFilter)
    }
  }
  const timed = applyPolicies && options.timeoutMs !== undefined
  const isPlain = filters.length === 0 && !timed
  filters.push(attemptRecord(context))
  if (timed) filters.push(timeout(options.timeoutMs!, context))
  filters.push(clientTracing, ...network)
  return { run: compose(filters, callee), isPlain, circuit, bulkhead: bulkheadFilter }
}

function attemptRecord({ clock, record }: FilterContext): Filter {
  return async (call: Call, next) => {
    const { id, edge, attempt } = call
    const startMs = clock.now()
    record('attempt.started', { call: id, edge, attempt })
    const reply = await next(call)
    record('attempt.ended', {
      call: id,
      edge,
      attempt,
      outcome: reply.outcome,
      ...(reply.outcome === 'answered' && { status: reply.status }),
      durationMs: roundMs(clock.now() - startMs),
    })
    return reply
  }
}

/** Microseconds are as fine as the journal goes. */
export const roundMs = (ms: number): number => Math.round(ms * 1000) / 1000
