import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { paced } from './pace.ts'

export interface SlowBodyOptions {
  /** The body comes in pieces of so many bytes, */
  chunkBytes: number
  /** and each takes so many milliseconds. */
  everyMs: number
}

/** The body of the answer dribbles: a piece every so often. */
export const slowBody = ({ chunkBytes, everyMs }: SlowBodyOptions, context: FaultContext): FaultBehaviour => ({
  kind: 'slow-body',
  options: { chunkBytes, everyMs },
  act: async (call, next) =>
    paced(
      call,
      await next(call),
      (_arrived, atHand) => ({ bytes: Math.min(chunkBytes, atHand), takesMs: everyMs }),
      context,
    ),
})
