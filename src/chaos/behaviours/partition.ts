import type { FaultBehaviour, FaultContext } from '../fault.ts'
import { silence } from './silence.ts'

export type PartitionDirection = 'both' | 'to' | 'from'

/**
 * A black hole between two sides: packets vanish, so calls get no answer at all. `both` and `to` lose the requests of
 * side `a`; `from` lets them through and loses the answers. With `both` the calls of side `b` are lost too.
 */
export function partition(
  a: readonly string[],
  b: readonly string[],
  direction: PartitionDirection,
  { stopping }: Pick<FaultContext, 'stopping'>,
): FaultBehaviour {
  const crosses = (from: readonly string[], to: readonly string[], caller: string, callee: string) =>
    from.includes(caller) && to.includes(callee)
  return {
    kind: 'partition',
    options: { a: [...a], b: [...b], direction },
    // Traffic from b to a travels as requests of b and as replies to a.
    appliesTo: (caller, callee) => crosses(a, b, caller, callee) || crosses(b, a, caller, callee),
    act: async (call, next) => {
      const outbound = crosses(a, b, call.caller, call.callee)
      const requestLost = direction === 'both' || (direction === 'to' ? outbound : !outbound)
      if (requestLost) return silence(call, stopping, false)
      await next(call)
      return silence(call, stopping, true)
    },
  }
}
