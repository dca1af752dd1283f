import { failed } from '../../call/reply.ts'
import type { FaultBehaviour } from '../fault.ts'
import { cut } from './cut.ts'

export interface ResetOptions {
  /**
   * `before-headers` (default): the request is lost and nothing comes back. `after-headers`: the service answers, and the
   * connection breaks before the body. `mid-body` (default with `afterBytes`): it breaks in the body.
   */
  at?: 'before-headers' | 'after-headers' | 'mid-body'
  /** Bytes of the body that arrive before the connection breaks. Default: half of the body, of a stream its first piece. */
  afterBytes?: number
}

/** RST: the connection is torn down. */
export function reset(options: ResetOptions): FaultBehaviour {
  const { afterBytes, at = afterBytes === undefined ? 'before-headers' : 'mid-body' } = options
  return {
    kind: 'reset',
    options: { ...(at !== 'before-headers' && { at }), ...(afterBytes !== undefined && { afterBytes }) },
    act: async (call, next) =>
      at === 'before-headers'
        ? failed('reset', { message: 'the connection was reset', processed: false })
        : cut(call, await next(call), 'reset-mid-body', at === 'after-headers' ? 0 : afterBytes),
  }
}
