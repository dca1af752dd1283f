import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { silence } from './silence.ts'

/** The service processes the request, and its answer is lost on the way back. */
export const loseReply = ({ stopping }: Pick<FaultContext, 'stopping'>): FaultBehaviour => ({
  kind: 'lose-reply',
  options: {},
  act: async (call, next) => {
    await next(call)
    return silence(call, stopping, true)
  },
})
