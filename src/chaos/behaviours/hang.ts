import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { silence } from './silence.ts'

/** The service takes the request and never answers; the service's handler is not run. */
export const hang = ({ stopping }: Pick<FaultContext, 'stopping'>): FaultBehaviour => ({
  kind: 'hang',
  options: {},
  act: (call) => silence(call, stopping, false),
})
