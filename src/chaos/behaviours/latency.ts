import type { Call } from '../../call/call.ts'
import { failed } from '../../call/reply.ts'
import type { FaultBehaviour, FaultContext } from '../fault.ts'

export interface LatencyOptions {
  /** Added to each call, in milliseconds. */
  ms: number
  /** Spread around `ms`: the wait is drawn uniformly from `ms - jitterMs` to `ms + jitterMs`. Default 0. */
  jitterMs?: number
  /** `request` (default) delays before the service sees the call, `reply` after it has answered. */
  leg?: 'request' | 'reply'
}

/**
 * Slows the network down. A caller that gives up meanwhile does not stop the request: it still arrives, late, as on a
 * real network, and the service still processes it.
 */
export function latency(
  { ms, jitterMs = 0, leg = 'request' }: LatencyOptions,
  { clock, stopping, random }: FaultContext,
): FaultBehaviour {
  const draw = (call: Call) => random.draw('latency-jitter', `${call.edge}/${call.attempt}`, call.nth)
  return {
    kind: 'latency',
    options: { ms, ...(jitterMs && { jitterMs }), ...(leg !== 'request' && { leg }) },
    act: async (call, next) => {
      const waitMs = jitterMs ? Math.max(0, ms + (draw(call) * 2 - 1) * jitterMs) : ms
      if (leg === 'request') {
        await clock.sleep(waitMs, stopping)
        return stopping.aborted ? failed('aborted') : next(call)
      }
      const reply = await next(call)
      await clock.sleep(waitMs, stopping)
      return reply
    },
  }
}
