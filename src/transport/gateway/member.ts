import type { Call } from '../../call/call.ts'
import type { Clock } from '../../time/clock.ts'
import { joinGateway, type Membership } from './join.ts'
import { keyHeaders, newKey, withKey } from './key.ts'

export interface MemberOptions {
  /** The name of the mesh's definition. */
  readonly mesh: string
  /** The gateway's `url` and who named it. */
  readonly gateway: { readonly url: string; readonly askedBy: 'option' | 'environment' } | undefined
  readonly clock: Clock
}

/** One mesh as a member of a gateway, or of none: it has a key all the same, so that tests need not know. */
export function gatewayMember({ mesh, gateway, clock }: MemberOptions) {
  let member: Membership | undefined
  let own: string | undefined
  return {
    async join(edges: Readonly<Record<string, number>>, onLost: (error: Error) => void) {
      if (gateway) member = await joinGateway(gateway.url, { mesh, edges, askedBy: gateway.askedBy, clock, onLost })
      return {
        headers: () => keyHeaders(member?.key ?? (own ??= newKey())),
        leave: async () => member?.leave(),
      }
    },
    /** A call that goes on to a real service, which comes back by way of the gateway with what it calls. */
    marked: (call: Call): Call => (member ? { ...call, headers: withKey(call.headers, member.key) } : call),
  }
}
