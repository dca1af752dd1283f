import type { FaultBehaviour } from '../fault.ts'
import { cut } from './cut.ts'

export interface TruncateOptions {
  /** Bytes of the body that arrive before the connection is closed. Default: half of the body, of a stream its first piece. */
  afterBytes?: number
}

/** The service answers, but the connection is closed (FIN) before the whole body was sent, whose length was promised. */
export const truncate = ({ afterBytes }: TruncateOptions): FaultBehaviour => ({
  kind: 'truncate',
  options: afterBytes === undefined ? {} : { afterBytes },
  act: async (call, next) => cut(call, await next(call), 'truncated', afterBytes),
})
