import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { paced } from './pace.ts'

export interface StallOptions {
  /** Bytes of the body that arrive before it stops. Default 0: the head arrives, and the body does not begin. */
  afterBytes?: number
  /** Milliseconds until it goes on. Default: it never does. */
  stallMs?: number
}

/** The body of the answer stops in the middle and, after a while, goes on as if nothing had been. */
export const stall = ({ afterBytes = 0, stallMs = Infinity }: StallOptions, context: FaultContext): FaultBehaviour => ({
  kind: 'stall',
  options: { afterBytes, ...(stallMs !== Infinity && { stallMs }) },
  act: async (call, next) =>
    paced(
      call,
      await next(call),
      (arrived, atHand) =>
        arrived < afterBytes
          ? { bytes: Math.min(atHand, afterBytes - arrived), takesMs: 0 }
          : { bytes: atHand, takesMs: arrived === afterBytes ? stallMs : 0 },
      context,
    ),
})
