import { failed } from '../../call/reply.ts'
import type { FaultBehaviour } from '../fault.ts'

/** Nothing listens: every connection is refused and the service never sees a request. */
export const outage = (): FaultBehaviour => ({
  kind: 'outage',
  closesPort: true,
  options: {},
  act: async (call) => failed('refused', { message: `${call.callee} refuses connections`, processed: false }),
})
