import type { Filter, FilterContext } from '../call/filter.ts'
import type { EdgeOptions } from '../topology/options.ts'
import { bulkhead } from './bulkhead.ts'
import { createCircuit, type Circuit } from './circuit-breaker.ts'
import { fallback } from './fallback.ts'
import { retry } from './retry.ts'
import { timeout } from './timeout.ts'

export interface Policies {
  /** Outermost first. */
  readonly filters: readonly Filter[]
  readonly circuit?: Circuit
}

/** The caller's-side policies of one edge, in the order in which a call meets them. None for an edge without options. */
export function policiesFor(options: EdgeOptions, context: FilterContext): Policies {
  const filters: Filter[] = []
  // Outermost: it is the answer when everything below has given up, whatever the reason.
  if (options.fallback !== undefined) filters.push(fallback(options.fallback, context))
  // Around the circuit, so that every try is counted and a circuit that opens in between ends the retrying.
  if (options.retry) filters.push(retry(options.retry, context))
  // Around the bulkhead, so that calls which would be rejected anyway do not take or wait for its places.
  const circuit = options.circuitBreaker && createCircuit(options.circuitBreaker, context)
  if (circuit) filters.push(circuit.filter)
  // Around the time-out: the limit is for the callee's answer, not for waiting here; a try that timed out frees its place.
  if (options.bulkhead) filters.push(bulkhead(options.bulkhead, context))
  // Innermost, so that the limit holds for each try on its own.
  if (options.timeoutMs !== undefined) filters.push(timeout(options.timeoutMs, context))
  return circuit ? { filters, circuit } : { filters }
}
