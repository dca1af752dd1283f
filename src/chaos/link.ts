import type { Call } from '../call/call.ts'
import { clearLink } from '../call/connection.ts'
import type { Leg, LinkShape } from '../call/connection.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import type { LinkEffect } from './link-effect.ts'

/** An active fault, as connections meet it. */
export interface LinkFault {
  readonly id: string
  readonly effect: LinkEffect
  /** Whether no connection is spared: neither percent, times nor when. */
  readonly isUnconditional: boolean
  /** Whether it acts at this moment on connections of this edge at all. */
  isOn(caller: string, callee: string): boolean
  /** Decides whether it hits this connection, and writes a hit down. Asked once for each connection. */
  hits(connection: Call): boolean
  /** Told when a connection that it has hit is over. */
  left(): void
}

/** What the faults make of one connection, from its first to its last byte. */
export interface LinkView {
  /** At this moment. Counts as a hit when a fault meets the connection for the first time. */
  shape(leg: Leg): LinkShape
  /** The connection is over. */
  leave(): void
}

/** The faults as connections meet them. */
export interface Links {
  /** Whether at this moment nothing listens on this edge: an outage that spares nobody. */
  refusesBytes(caller: string, callee: string): boolean
  /** Follows one connection; `bytes` tells how many it has carried. Draws are keyed with its `nth`. */
  meet(connection: Call, bytes: (leg: Leg) => number): LinkView
}

export interface LinksContext {
  readonly random: Random
  readonly faults: () => Iterable<LinkFault>
}

export function createLinks({ random, faults }: LinksContext): Links {
  return {
    refusesBytes(caller, callee) {
      for (const fault of faults())
        if (fault.effect.does === 'refuse' && fault.isUnconditional && fault.isOn(caller, callee)) return true
      return false
    },
    meet(connection, bytes) {
      /** Faults that were asked already: the bytes that had passed when they hit, null when they did not. */
      const asked = new Map<LinkFault, Record<Leg, number> | null>()
      const since = (fault: LinkFault) => {
        const known = asked.get(fault)
        if (known !== undefined) return known
        const now = fault.hits(connection) ? { request: bytes('request'), reply: bytes('reply') } : null
        asked.set(fault, now)
        return now
      }
      return {
        shape(leg) {
          let shape = clearLink
          for (const fault of faults()) {
            if (!fault.isOn(connection.caller, connection.callee)) continue
            const passed = since(fault)
            if (passed) shape = withEffect(shape, fault, leg, connection, passed[leg], random)
          }
          return shape
        },
        leave() {
          for (const [fault, hit] of asked) if (hit) fault.left()
          asked.clear()
        },
      }
    },
  }
}

function withEffect(
  shape: LinkShape,
  { id, effect }: LinkFault,
  leg: Leg,
  { caller, callee, edge, nth }: Call,
  passed: number,
  random: Random,
): LinkShape {
  switch (effect.does) {
    case 'refuse':
      return { ...shape, tornDown: 'refused' }
    case 'reset':
      return { ...shape, tornDown: shape.tornDown ?? 'reset' }
    case 'close':
      return { ...shape, tornDown: shape.tornDown ?? 'closed' }
    case 'stall-after': {
      const atBytes = passed + effect.bytes
      // Of several the first one that is met.
      if (leg !== 'reply' || (shape.stall && shape.stall.atBytes <= atBytes)) return shape
      return { ...shape, stall: { atBytes, ms: effect.ms } }
    }
    case 'stall':
      return effect.legs(caller, callee).includes(leg) ? { ...shape, isStalled: true } : shape
    case 'delay': {
      if (effect.leg !== leg) return shape
      const { ms, jitterMs } = effect
      const before = shape.delayMs ?? (() => 0)
      const draw = (chunk: number) => random.draw(`chunk-latency/${id}`, `${edge}/${nth}/${leg}`, chunk)
      const own = (chunk: number) => (jitterMs ? Math.max(0, ms + (draw(chunk) * 2 - 1) * jitterMs) : ms)
      return { ...shape, delayMs: (chunk) => before(chunk) + own(chunk) }
    }
    case 'pace':
      if (!effect.legs.includes(leg)) return shape
      return { ...shape, bytesPerSecond: Math.min(shape.bytesPerSecond ?? Infinity, effect.bytesPerSecond) }
    case 'slice': {
      if (!effect.legs.includes(leg)) return shape
      const { bytes = Infinity, delayMs = 0 } = shape.slice ?? {}
      const slice = { bytes: Math.min(bytes, effect.bytes), delayMs: Math.max(delayMs, effect.delayMs) }
      return { ...shape, slice }
    }
    case 'limit':
      if (effect.leg !== leg) return shape
      if (shape.limit && shape.limit.bytes <= passed + effect.bytes) return shape
      return { ...shape, limit: { bytes: passed + effect.bytes, end: effect.end } }
    case 'slow-close':
      return { ...shape, closeDelayMs: shape.closeDelayMs + effect.ms }
  }
}

/** Calls `changed` whenever a flapping service goes down or up, for as long as it does. Returns the undo. */
export function phases(
  clock: Clock,
  { upMs, downMs }: { upMs: number; downMs: number },
  changed: () => void,
): () => void {
  let isUp = true
  let undo = () => {}
  const next = () => {
    undo = clock.timer(isUp ? upMs : downMs, () => {
      isUp = !isUp
      next()
      changed()
    })
  }
  next()
  return () => undo()
}
