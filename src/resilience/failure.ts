import { isFailure, isNetworkFailure, localStatus, type FailureOutcome, type Reply } from '../call/reply.ts'
import type { FailureCondition } from '../topology/options.ts'

/** What retry and circuit breaker count as a failure unless told otherwise. */
export const defaultFailureConditions: readonly FailureCondition[] = Object.freeze(['network', 'timeout', '5xx'])

/**
 * Outcomes that say nothing about the callee, so neither a retry nor a breaker may learn from them: the caller went away,
 * a local rejection never left the caller, and a hung call ended only because its caller gave up (had a time-out of the
 * mesh ended it, its outcome would be that).
 */
const silentOutcomes: ReadonlySet<string> = new Set(['aborted', 'circuit-open', 'bulkhead-full', 'hung'])

export const saysNothing = (reply: Reply): boolean => silentOutcomes.has(reply.outcome)

/** What happened, in one word for journals: a status as text, or the outcome. */
export const failureWord = (reply: Reply): string =>
  reply.outcome === 'answered' ? String(reply.status) : reply.outcome

/**
 * The word for what went wrong (`503`, `reset`, `timeout`) if one of the conditions covers it, else undefined.
 *
 * What the mesh itself reports in place of an answer (`handler-failed`, `unhandled`, `undeclared`, `hop-limit`) counts
 * with the status that the caller gets for it, so `5xx` covers it. A time-out of the mesh is only covered by `timeout`.
 * The open circuit's and the full bulkhead's rejections, aborted calls and hung ones are never covered.
 */
export function matchesFailure(conditions: readonly FailureCondition[], reply: Reply): string | undefined {
  if (saysNothing(reply)) return undefined
  return conditions.some((condition) => covers(condition, reply)) ? failureWord(reply) : undefined
}

function covers(condition: FailureCondition, reply: Reply): boolean {
  if (isNetworkFailure(reply)) return condition === 'network'
  if (reply.outcome === 'timeout') return condition === 'timeout'
  const status = reply.outcome === 'answered' ? reply.status : localStatus(reply.outcome as FailureOutcome)
  if (condition === '5xx') return status >= 500
  if (condition === 'gateway-error') return status >= 502 && status <= 504
  return condition === status
}

/** Whether a fallback answers in place of this reply: any failure, unless nobody waits for it any more. */
export const wantsFallback = (reply: Reply): boolean =>
  isFailure(reply) && reply.outcome !== 'aborted' && reply.outcome !== 'hung'
