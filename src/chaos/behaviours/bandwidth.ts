import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { paced } from './pace.ts'

export interface BandwidthOptions {
  /** 1 is 1,000 bytes in each second, for the body of each answer by itself. */
  kilobytesPerSecond: number
}

/** Bytes travel together when they would within this time. */
const pieceMs = 100

/** The body of the answer comes at this speed, never faster. */
export const bandwidth = ({ kilobytesPerSecond }: BandwidthOptions, context: FaultContext): FaultBehaviour => {
  // A kilobyte in a second is a byte in a millisecond.
  const bytesPerMs = kilobytesPerSecond
  const piece = Math.max(1, Math.floor(bytesPerMs * pieceMs))
  return {
    kind: 'bandwidth',
    options: { kilobytesPerSecond },
    act: async (call, next) =>
      paced(
        call,
        await next(call),
        (_arrived, atHand) => {
          const bytes = Math.min(piece, atHand)
          return { bytes, takesMs: bytes / bytesPerMs }
        },
        context,
      ),
  }
}
