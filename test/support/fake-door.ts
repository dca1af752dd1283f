import type { Door, Incoming } from '../../src/call/door.ts'
import { answered } from '../../src/call/reply.ts'
import type { Reply } from '../../src/call/reply.ts'
import type { Clock } from '../../src/time/clock.ts'
import { sleepOn } from '../../src/time/clock.ts'

export interface FakeDoor extends Door {
  stopped: boolean
  defaultCaller: string
  /** What `streams` says. */
  streamed: boolean
  readonly received: (Incoming & { readonly body: Uint8Array | null })[]
  readonly problems: Error[]
  /** Replaces the answer; by default every request is answered with what it was. */
  answer: (incoming: Incoming) => Reply | Promise<Reply>
  /** Lets an edge (`caller->callee`) refuse, and tells the listeners. */
  refuse(edge: string, isRefused: boolean): void
}

let count = 0

/** A clock whose time passes by hand. */
export function handClock(): Clock & { pass(ms: number): void } {
  let now = 0
  const timers = new Set<{ at: number; fire: () => void }>()
  const timer = (ms: number, fire: () => void) => {
    const entry = { at: now + ms, fire }
    timers.add(entry)
    return () => void timers.delete(entry)
  }
  return {
    mode: 'virtual',
    now: () => now,
    timer,
    sleep: (ms, signal) => sleepOn({ timer }, ms, signal),
    pass(ms) {
      now += ms
      for (const entry of [...timers].sort((a, b) => a.at - b.at))
        if (entry.at <= now && timers.delete(entry)) entry.fire()
    },
  }
}

/** A door without a mesh behind it, for tests of transports. `services` maps names to the URLs that they are addressed by. */
export function fakeDoor(services: Record<string, string>, clock: Clock = handClock()): FakeDoor {
  const byOrigin = new Map(Object.entries(services).map(([name, url]) => [new URL(url).origin, name]))
  const refused = new Set<string>()
  const listeners = new Set<() => void>()
  const id = `fake-${++count}`
  const door: FakeDoor = {
    id,
    name: id,
    clock,
    defaultCaller: 'app',
    stopped: false,
    received: [],
    problems: [],
    streamed: false,
    answer: ({ method, path, caller }) => answered(200, { json: { method, path, caller, door: id } }),
    serviceAt: (url) => byOrigin.get(url.origin),
    originOf: (service) => (services[service] === undefined ? undefined : new URL(services[service]).origin),
    services: () => Object.keys(services),
    origins: () => [...byOrigin.keys()],
    onOriginsChange: () => () => {},
    streams: () => door.streamed,
    async enter(incoming) {
      door.received.push(incoming as FakeDoor['received'][number])
      return door.answer(incoming)
    },
    atOnce: () => undefined,
    refuses: (caller, callee) => refused.has(`${caller}->${callee}`),
    onRefusalChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    bytes: () => undefined,
    problem: (error) => void door.problems.push(error),
    refuse(edge, isRefused) {
      if (isRefused) refused.add(edge)
      else refused.delete(edge)
      for (const listener of listeners) listener()
    },
  }
  return door
}
