import { failed } from '../../call/reply.ts'
import type { FaultBehaviour } from '../fault.ts'
import { cut } from './cut.ts'

export interface CloseOptions {
  /**
   * `before-headers` (default): the request is lost, and the connection ends without a byte. `after-headers`: the service
   * answers, and the connection ends after the head of the answer.
   */
  at?: 'before-headers' | 'after-headers'
}

/** FIN: the connection is closed early, in good order. */
export const close = ({ at = 'before-headers' }: CloseOptions): FaultBehaviour => ({
  kind: 'close',
  options: at === 'before-headers' ? {} : { at },
  act: async (call, next) =>
    at === 'before-headers'
      ? failed('closed', { message: 'the connection was closed', processed: false })
      : cut(call, await next(call), 'truncated', 0),
})
