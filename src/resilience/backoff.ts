import { header, type Call } from '../call/call.ts'
import type { FilterContext } from '../call/filter.ts'
import type { Reply } from '../call/reply.ts'
import type { BackoffOptions } from '../topology/options.ts'

/**
 * The wait before a retry in milliseconds; `retry` is 0 for the first one. Formulas after AWS's "Exponential Backoff And
 * Jitter". Without options: 0.
 *
 * The draw is keyed by edge, call and retry, so calls that run at the same time cannot change each other's waits.
 */
export function backoffMs(
  options: BackoffOptions | undefined,
  { random, edge }: Pick<FilterContext, 'random' | 'edge'>,
  call: Pick<Call, 'id'>,
  retry: number,
): number {
  if (options === undefined) return 0
  const wait = plainWaitMs(options, retry)
  const draw = () => random.draw('backoff', `${edge} ${call.id}`, retry)
  switch (options.jitter ?? 'none') {
    case 'none':
      return wait
    case 'full':
      return wait * draw()
    case 'equal':
      return wait / 2 + (wait / 2) * draw()
  }
}

function plainWaitMs(options: BackoffOptions, retry: number): number {
  if (options.kind === 'constant') return options.ms
  const { initialMs, factor = 2, maxMs = 30_000 } = options
  return Math.min(initialMs * factor ** retry, maxMs)
}

// The three forms of RFC 9110, 5.6.7. Date.parse alone would also take "1.5" for a date.
const fixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const rfc850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [\d ]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * How long the reply asks its caller to wait, in milliseconds from `nowMs` (epoch): its `Retry-After` as seconds or as an
 * HTTP date, 0 for a date in the past. Undefined without the header, or if it is neither (RFC 9110, 10.2.3).
 */
export function retryAfterMs(reply: Reply, nowMs: number): number | undefined {
  const value = reply.outcome === 'answered' ? header(reply.headers, 'retry-after')?.trim() : undefined
  if (value === undefined) return undefined
  // Ten digits are 317 years; more is no wait but a mistake, and would not fit into a timer or the journal.
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000
  const dated = fixdate.test(value) || rfc850.test(value) ? value : asctime.test(value) ? `${value} GMT` : undefined
  const atMs = dated === undefined ? NaN : Date.parse(dated)
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs)
}
