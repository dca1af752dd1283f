import { answered } from '../../call/reply.ts'
import type { Door } from '../../call/door.ts'
import { createRealClock } from '../../time/real-clock.ts'
import { openInProcess } from './open.ts'

const origin = 'http://warm-up.meshwright.invalid'
const key = Symbol.for('meshwright/warm-up')
const shared = globalThis as { [key]?: Promise<void> }

/**
 * Makes sure that `fetch` is ready to send at once. Its first use in a process compiles an HTTP parser on another thread,
 * which no virtual clock can see: time would pass before the request was made. Once per process; never rejects.
 */
export function warmUp(): Promise<void> {
  return (shared[key] ??= firstFetch())
}

async function firstFetch(): Promise<void> {
  const door: Door = {
    id: 'warm-up',
    name: 'warm-up',
    clock: createRealClock(),
    defaultCaller: 'warm-up',
    stopped: false,
    serviceAt: (url) => (url.origin === origin ? 'warm-up' : undefined),
    originOf: () => origin,
    services: () => ['warm-up'],
    origins: () => [origin],
    onOriginsChange: () => () => {},
    enter: async () => answered(204),
    atOnce: () => undefined,
    streams: () => false,
    refuses: () => false,
    onRefusalChange: () => () => {},
    bytes: () => undefined,
    problem: () => {},
  }
  const interception = openInProcess(door)
  try {
    await globalThis.fetch(origin)
  } catch {
    // A process without a `fetch`, or with one of its own making, has nothing to warm up.
  } finally {
    await interception.close()
  }
}
