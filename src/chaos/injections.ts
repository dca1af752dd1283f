import type { Filter, Next } from '../call/filter.ts'
import { MeshError } from '../errors.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import { activate } from './active-fault.ts'
import type { ActiveFault, FaultEnd, Try } from './active-fault.ts'
import type { Fault, FaultBehaviour, FaultOptions } from './fault.ts'
import { checkTarget } from './link-effect.ts'
import { createLinks, phases } from './link.ts'
import type { Links } from './link.ts'
import { validateFaultOptions } from './validate.ts'

export interface InjectionsContext {
  readonly clock: Clock
  readonly random: Random
  readonly record: Recorder['record']
  /** Aborts when the mesh stops. */
  readonly stopping: AbortSignal
  /** Throws for a target that is neither a service nor an edge; tells which edges it means otherwise. */
  readonly resolve: (target: string) => (caller: string, callee: string) => boolean
  /** Whether a service speaks bytes (`tcp: true`), so that connections are hit instead of calls. */
  readonly carriesBytes: (service: string) => boolean
  /** Takes a mistake of the test's author that no caller can be told of. */
  readonly problem: (error: Error, where: { call: string; edge: string }) => void
}

/** The faults that were injected and are not yet over, in the order of their injection. */
export interface Injections {
  inject(behaviour: FaultBehaviour, target: string, options: FaultOptions): Fault
  readonly faults: readonly ActiveFault[]
  /** Takes back those injected with this target, or all. Returns how many. */
  revert(target?: string): number
  revertAll(reason: FaultEnd): void
  /** The network of every edge: each fault around those injected after it. */
  readonly filter: Filter
  /** The network of every connection that carries bytes. */
  readonly links: Links
  refuses(caller: string, callee: string): boolean
  /** Whether some fault may do something to this try right now. */
  concerns(attempt: Try): boolean
  onChange(listener: () => void): () => void
}

export function createInjections(context: InjectionsContext): Injections {
  const { clock, random, record, stopping, resolve, carriesBytes, problem } = context
  const active = new Set<ActiveFault>()
  const listeners = new Set<() => void>()
  const changed = () => listeners.forEach((listener) => listener())
  let injected = 0

  const filter: Filter = (call, last) => {
    // Read as the call gets on: what began while it was delayed meets it, what ended meanwhile does not.
    const faults = active.values()
    const onwards: Next = (current) => {
      for (let next = faults.next(); !next.done; next = faults.next())
        if (next.value.strikes(current)) return next.value.behaviour.act(current, onwards)
      return last(current)
    }
    return onwards(call)
  }

  return {
    inject(behaviour, target, options) {
      if (stopping.aborted)
        throw new MeshError('MESH_STOPPED', `chaos.${behaviour.kind}: the mesh has stopped`, {
          fix: 'Inject faults while the test runs.',
        })
      validateFaultOptions(behaviour.kind, options)
      checkTarget(behaviour, target, context)
      // Calls find out by themselves what a flapping service is up to; connections have to be told.
      const flaps = behaviour.kind === 'flap' && carriesBytes(target.split('->').at(-1)!)
      const fault = activate({
        id: `f${++injected}`,
        behaviour,
        target,
        options,
        matches: behaviour.appliesTo ?? resolve(target),
        clock,
        random,
        record,
        problem,
        changed,
        ...(flaps && { begun: () => phases(clock, behaviour.options as { upMs: number; downMs: number }, changed) }),
        gone: (over) => void active.delete(over),
      })
      active.add(fault)
      changed()
      return fault
    },
    get faults() {
      return [...active]
    },
    revert(target) {
      const meant = [...active].filter((fault) => target === undefined || fault.target === target)
      for (const fault of meant) fault.end('reverted')
      return meant.length
    },
    revertAll(reason) {
      for (const fault of [...active]) fault.end(reason)
    },
    filter,
    links: createLinks({
      random,
      faults: function* () {
        for (const { link } of active) if (link) yield link
      },
    }),
    refuses: (caller, callee) => [...active].some((fault) => fault.refuses(caller, callee)),
    concerns(attempt) {
      for (const fault of active) if (!fault.spares(attempt)) return true
      return false
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
