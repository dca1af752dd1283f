import type { Call } from '../call/call.ts'
import { MeshError } from '../errors.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Fault, FaultBehaviour, FaultOptions } from './fault.ts'
import { linkEffect } from './link-effect.ts'
import type { LinkFault } from './link.ts'

/** Why a fault is over. */
export type FaultEnd = 'expired' | 'reverted' | 'used-up' | 'mesh-stopped'

/** As much of a call as chance depends on. */
export type Try = Pick<Call, 'caller' | 'callee' | 'edge' | 'attempt' | 'nth'>

/** A fault that was injected, as the mesh sees it. */
export interface ActiveFault extends Fault {
  readonly behaviour: FaultBehaviour
  /** Whether it is meant for this edge, begun or not. */
  readonly matches: (caller: string, callee: string) => boolean
  /** Whether it surely does nothing to this try, which needs nobody to be asked and leaves no trace. */
  spares(attempt: Try): boolean
  /** Whether it hits this try; if so, the hit is written down. */
  strikes(call: Call): boolean
  /** Whether right now it refuses every connection on this edge. */
  refuses(caller: string, callee: string): boolean
  end(reason: FaultEnd): void
  /** What it is to connections that carry bytes; undefined when it is nothing to them. */
  readonly link: LinkFault | undefined
}

/** All that one fault depends on. */
export interface Injection {
  readonly id: string
  readonly behaviour: FaultBehaviour
  readonly target: string
  readonly options: FaultOptions
  readonly matches: (caller: string, callee: string) => boolean
  readonly clock: Clock
  readonly random: Random
  readonly record: Recorder['record']
  readonly problem: (error: Error, where: { call: string; edge: string }) => void
  /** Told when it begins to act later than now, and when it is over. */
  readonly changed: () => void
  /** Called when it begins to act; returns the undo, for when it is over. */
  readonly begun?: () => () => void
  /** Told first thing when it is over. */
  readonly gone: (fault: ActiveFault) => void
}

/** The life of one fault: writes down that it was injected, whom it hits, and its end. */
export function activate(injection: Injection): ActiveFault {
  const { id, behaviour, target, options, matches, clock, random, record, problem, changed, begun, gone } = injection
  const { percent = 100, times, afterMs = 0, forMs, when } = options
  const isUnconditional = percent === 100 && times === undefined && !when
  let startedAt: number | undefined = afterMs > 0 ? undefined : clock.now()
  let hits = 0
  let over = false
  let isWhenBroken = false
  const undo: (() => void)[] = []
  const inWindow = () => !over && startedAt !== undefined && (behaviour.on?.(clock.now() - startedAt) ?? true)

  const isMeant = (call: Call) => {
    try {
      return !when || Boolean(when(call))
    } catch (error) {
      // Said once: it would be the same for every call.
      if (!isWhenBroken)
        problem(
          new MeshError('MESH_INVALID_OPTION', `chaos.${behaviour.kind}: \`when\` threw ${String(error)}`, {
            cause: error,
          }),
          { call: call.id, edge: call.edge },
        )
      isWhenBroken = true
      return false
    }
  }

  const isDrawn = (call: Try) =>
    percent >= 100 || random.draw(`fault/${id}`, `${call.edge}/${call.attempt}`, call.nth) * 100 < percent
  const hit = (call: Call) => {
    hits++
    record('fault.hit', { fault: id, kind: behaviour.kind, call: call.id, edge: call.edge, attempt: call.attempt })
  }

  const effect = linkEffect(behaviour.kind, behaviour.options)
  let connections = 0
  const link: LinkFault | undefined = effect && {
    id,
    effect,
    isUnconditional,
    isOn: (caller, callee) => inWindow() && matches(caller, callee),
    // The fault stays on the connections that it has hit, so it is used up only when the last of them is over.
    hits(connection) {
      if ((times !== undefined && hits >= times) || !isMeant(connection) || !isDrawn(connection)) return false
      connections++
      hit(connection)
      return true
    },
    left() {
      connections--
      if (times !== undefined && hits >= times && connections === 0) fault.end('used-up')
    },
  }

  const fault: ActiveFault = {
    id,
    link,
    kind: behaviour.kind,
    target,
    behaviour,
    matches,
    get hits() {
      return hits
    },
    get active() {
      return inWindow()
    },
    revert: () => fault.end('reverted'),
    [Symbol.dispose]: () => fault.end('reverted'),
    refuses: (caller, callee) =>
      behaviour.closesPort === true && isUnconditional && inWindow() && matches(caller, callee),
    spares: (attempt) =>
      !inWindow() || !matches(attempt.caller, attempt.callee) || (when === undefined && !isDrawn(attempt)),
    strikes(call) {
      if (!inWindow() || !matches(call.caller, call.callee) || !isMeant(call)) return false
      if (!isDrawn(call)) return false
      hit(call)
      if (times !== undefined && hits >= times) fault.end('used-up')
      return true
    },
    end(reason) {
      if (over) return
      over = true
      gone(fault)
      for (const stop of undo) stop()
      record('fault.reverted', { fault: id, kind: behaviour.kind, reason, hits })
      changed()
    },
  }

  record('fault.injected', {
    fault: id,
    kind: behaviour.kind,
    target,
    options: {
      ...behaviour.options,
      ...(percent < 100 && { percent }),
      ...(times !== undefined && { times }),
      ...(afterMs && { afterMs }),
      ...(forMs !== undefined && { forMs }),
      ...(when && { when: 'function' }),
    },
  })
  if (afterMs > 0)
    undo.push(
      clock.timer(afterMs, () => {
        startedAt = clock.now()
        if (begun) undo.push(begun())
        changed()
      }),
    )
  else if (begun) undo.push(begun())
  if (forMs !== undefined) undo.push(clock.timer(afterMs + forMs, () => fault.end('expired')))
  return fault
}
