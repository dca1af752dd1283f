import type { Subject } from '../journal/subject.ts'
import type { Attempt } from './traffic.ts'

/** Who asked the caller of an edge while nothing was on that edge. */
export interface Witnesses {
  /** Whether anybody is seen calling the caller. */
  readonly visible: boolean
  /**
   * How many calls to the caller began and ended between two places of the history, on routes that, before `openedSeq`,
   * always led to a call on this edge.
   */
  between(fromSeq: number, toSeq: number, openedSeq: number): number
}

export function witnessesOf({ journal, name }: Subject, arrivals: readonly Attempt[]): Witnesses {
  const caller = name.split('->')[0]!
  const ends = new Map(journal.where({ type: 'call.ended' }).map((entry) => [entry.call, entry.seq]))
  const arrivalSeqs = arrivals.map(({ seq }) => seq)
  const called = journal.where({ type: 'call.started' }).filter(({ edge }) => edge.endsWith(`->${caller}`))
  // A call that never got there, such as one that the circuit in front of the caller turned away, asked it nothing.
  const received = new Set(journal.where({ type: 'request.received', service: caller }).map(({ call }) => call))
  const inbound = called
    .filter(({ call }) => received.has(call))
    .map(({ seq, call, method, path }) => {
      const endedSeq = ends.get(call) ?? Infinity
      const arrival = arrivalSeqs[firstAbove(arrivalSeqs, seq)]
      return {
        seq,
        endedSeq,
        ledHere: arrival !== undefined && arrival < endedSeq,
        // Ids in paths differ from call to call; method and first segment are alike.
        route: `${method} ${path.split(/[/?]/)[1] ?? ''}`,
      }
    })
  const inboundSeqs = inbound.map(({ seq }) => seq)
  return {
    visible: called.length > 0,
    between(fromSeq, toSeq, openedSeq) {
      const inside = inbound
        .slice(firstAbove(inboundSeqs, fromSeq), firstAbove(inboundSeqs, toSeq))
        .filter(({ endedSeq }) => endedSeq < toSeq)
      if (inside.length === 0) return 0
      const before = inbound.filter(({ seq, endedSeq }) => seq < openedSeq && endedSeq < Infinity)
      const useful = new Set(before.filter(({ ledHere }) => ledHere).map(({ route }) => route))
      // A route that now and then answers without this edge tells nothing by doing so again.
      const unreliable = new Set(before.filter(({ ledHere }) => !ledHere).map(({ route }) => route))
      return inside.filter(({ route }) => useful.has(route) && !unreliable.has(route)).length
    },
  }
}

/** Index of the first number above `limit` in an ascending list; histories are long and this is asked often. */
function firstAbove(ascending: readonly number[], limit: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! > limit) high = middle
    else low = middle + 1
  }
  return low
}
