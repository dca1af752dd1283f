import { failed } from '../../call/reply.ts'
import type { FaultBehaviour } from '../fault.ts'

/** The connection takes no more requests, this one included: GOAWAY in HTTP/2, a FIN before the headers in HTTP/1.1. */
export const goAway = (): FaultBehaviour => ({
  kind: 'go-away',
  options: {},
  act: async (call) => failed('going-away', { message: `${call.callee} takes no more requests`, processed: false }),
})
