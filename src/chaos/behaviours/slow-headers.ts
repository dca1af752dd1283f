import type { FaultBehaviour, FaultContext } from '../fault.ts'

export interface SlowHeadersOptions {
  /** Milliseconds from the first to the last byte of the head. */
  ms: number
}

/**
 * The head of the answer trickles in over `ms`. Only a connection can show that: where the mesh itself is the client (a call of a
 * handler, a sidecar) or answers whole (a route of a page, MSW), the answer is late by as much.
 */
export const slowHeaders = (
  { ms }: SlowHeadersOptions,
  { clock, stopping, reachesWire }: FaultContext,
): FaultBehaviour => ({
  kind: 'slow-headers',
  options: { ms },
  act: async (call, next) => {
    const reply = await next(call)
    if (reply.outcome !== 'answered') return reply
    if (reachesWire(call)) return Object.freeze({ ...reply, headMs: (reply.headMs ?? 0) + ms })
    await clock.sleep(ms, stopping)
    return reply
  },
})
