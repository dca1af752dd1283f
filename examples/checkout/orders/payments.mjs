/** @import { PaymentResult } from './order.mjs' */
import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'

/**
 * The client of the payment gateway, with the policies that this service has in production: each try is given up after
 * `timeoutMs` and made once more; after five failures in a row the gateway is left alone for `openMs`.
 *
 * @param {{ url: string, timeoutMs?: number, openMs?: number }} options
 */
export function createPayments({ url, timeoutMs = 1_000, openMs = 10_000 }) {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(5) })
  const policy = wrap(
    retry(handleAll, { maxAttempts: 1, backoff: new ExponentialBackoff({ initialDelay: 50 }) }),
    breaker,
    timeout(timeoutMs, TimeoutStrategy.Aggressive),
  )
  return {
    breaker,
    /**
     * Never rejects: a gateway that cannot be asked, or does not answer in time, leaves the payment open. It may have been
     * made all the same, so whoever asks again does so with the same key.
     *
     * @param {{ id: string, amount: number }} order
     * @returns {Promise<PaymentResult>}
     */
    async charge({ id, amount }) {
      try {
        return await policy.execute(async ({ signal }) => {
          const response = await fetch(`${url}/charges`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'idempotency-key': id },
            body: JSON.stringify({ amount }),
            signal,
          })
          await response.arrayBuffer()
          if (response.status === 402) return 'declined'
          if (!response.ok) throw new Error(`payments answered ${response.status}`)
          return 'charged'
        })
      } catch {
        return 'unanswered'
      }
    },
  }
}
