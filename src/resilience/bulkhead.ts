import type { Filter, FilterContext } from '../call/filter.ts'
import { failed } from '../call/reply.ts'
import type { BulkheadOptions } from '../topology/options.ts'

/**
 * Lets `maxConcurrent` calls through at once and `maxQueued` more wait, first come first served; further ones are
 * rejected as `bulkhead-full`. A call that aborts while it waits leaves at once as `aborted` and frees its place.
 *
 * Why the queue is our own: `docs/decisions/policies-on-cockatiel.md`.
 */
export function bulkhead(options: BulkheadOptions, { edge, record }: FilterContext): Filter {
  const { maxConcurrent, maxQueued = 0 } = options
  let active = 0
  // A Set keeps the order of arrival and lets one leave from the middle.
  const queue = new Set<() => void>()

  /** Resolves when it is this call's turn, or when its signal aborts. */
  const turn = (signal: AbortSignal) =>
    new Promise<'admitted' | 'aborted'>((resolve) => {
      const admit = () => {
        signal.removeEventListener('abort', leave)
        resolve('admitted')
      }
      const leave = () => {
        queue.delete(admit)
        resolve('aborted')
      }
      queue.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })

  const release = () => {
    const [first] = queue
    // The place goes straight to the one who waited longest: freeing it first would let a newcomer overtake.
    if (first === undefined) active--
    else {
      queue.delete(first)
      first()
    }
  }

  return async (call, next) => {
    const left = () => failed('aborted', { message: 'The caller went away while it waited at the bulkhead.' })
    if (call.signal.aborted) return left()
    if (active < maxConcurrent) active++
    else if (queue.size < maxQueued) {
      if ((await turn(call.signal)) === 'aborted') return left()
    } else {
      record('bulkhead.rejected', { call: call.id, edge, active, queued: queue.size })
      return failed('bulkhead-full', { message: `${active} calls in flight and ${queue.size} waiting on ${edge}.` })
    }
    try {
      // Between being called up and running, the caller may have gone.
      return call.signal.aborted ? left() : await next(call)
    } finally {
      release()
    }
  }
}
