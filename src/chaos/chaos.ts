import type { Call } from '../call/call.ts'
import type { Filter, Next } from '../call/filter.ts'
import { MeshError } from '../errors.ts'
import type { Recorder } from '../journal/journal.ts'
import { describeValue } from '../nearest.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import * as behaviours from './behaviours.ts'
import type { AbortOptions, FlapOptions, LatencyOptions, PartitionDirection, ResetOptions } from './behaviours.ts'
import type { Fault, FaultBehaviour, FaultOptions } from './fault.ts'
import { validateFaultOptions, validateNumbers } from './validate.ts'

export interface ChaosContext {
  readonly clock: Clock
  readonly random: Random
  readonly record: Recorder['record']
  /** Aborts when the mesh stops. */
  readonly stopping: AbortSignal
  /** Throws for a target that is neither a service nor an edge; tells which edges it means otherwise. */
  readonly resolve: (target: string) => (caller: string, callee: string) => boolean
  /** Throws for what is no service. */
  readonly expectService: (name: string) => void
  /** Takes a mistake of the test's author that no caller can be told of. */
  readonly problem: (error: Error, where: { call: string; edge: string }) => void
}

/** `S` and `E` are the names of services and edges; a wrong name is a compile error and a `MeshError`. */
export interface Chaos<S extends string = string, E extends string = string> {
  /** Connections to the service (on the edge) are refused. */
  outage(target: S | E, options?: FaultOptions): Fault
  /** Adds a delay in milliseconds. */
  latency(target: S | E, options: LatencyOptions & FaultOptions): Fault
  /** Answers with a status (default 503) in the service's place. */
  abort(target: S | E, options?: AbortOptions & FaultOptions): Fault
  /** Tears connections down (RST), before the headers or in the middle of the body. */
  reset(target: S | E, options?: ResetOptions & FaultOptions): Fault
  /** Never answers. */
  hang(target: S | E, options?: FaultOptions): Fault
  /** Closes the connection after half of the body. */
  truncate(target: S | E, options?: FaultOptions): Fault
  /** The request is processed, its answer never arrives. */
  loseReply(target: S | E, options?: FaultOptions): Fault
  /** Loses everything between the two sides (`to`: only what side `a` sends, `from`: only what side `b` sends). Default `both`. */
  partition(a: readonly S[], b: readonly S[], options?: { direction?: PartitionDirection } & FaultOptions): Fault
  /** Goes down and comes up again, over and over, starting with `upMs` of service. */
  flap(target: S | E, options: FlapOptions & FaultOptions): Fault
  /** Takes back all faults, or those injected with this target. Throws for a target that is neither a service nor an edge. */
  heal(target?: S | E): void
  /** The faults injected and not yet over, oldest first. */
  readonly faults: readonly Fault[]
}

export interface ChaosControl extends Chaos {
  /** The network of every edge. */
  readonly filter: Filter
  refuses(caller: string, callee: string): boolean
  onChange(listener: () => void): () => void
  revertAll(reason: 'reverted' | 'mesh-stopped'): void
}

interface ActiveFault extends Fault {
  strikes(call: Call): boolean
  readonly behaviour: FaultBehaviour
  refuses(caller: string, callee: string): boolean
  end(reason: 'expired' | 'reverted' | 'used-up' | 'mesh-stopped'): void
}

export function createChaos(context: ChaosContext): ChaosControl {
  const { clock, random, record, stopping, resolve, expectService, problem } = context
  const active = new Set<ActiveFault>()
  const listeners = new Set<() => void>()
  const changed = () => listeners.forEach((listener) => listener())
  let injected = 0

  function inject(behaviour: FaultBehaviour, target: string, options: FaultOptions): Fault {
    if (stopping.aborted)
      throw new MeshError('MESH_STOPPED', `chaos.${behaviour.kind}: the mesh has stopped`, {
        fix: 'Inject faults while the test runs.',
      })
    validateFaultOptions(behaviour.kind, options)
    const { percent = 100, times, afterMs = 0, forMs, when } = options
    const matches = behaviour.appliesTo ?? resolve(target)
    const id = `f${++injected}`
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

    const fault: ActiveFault = {
      id,
      kind: behaviour.kind,
      target,
      behaviour,
      get hits() {
        return hits
      },
      get active() {
        return inWindow()
      },
      revert: () => fault.end('reverted'),
      [Symbol.dispose]: () => fault.end('reverted'),
      refuses: (caller, callee) =>
        behaviour.closesPort === true &&
        percent === 100 &&
        times === undefined &&
        !when &&
        inWindow() &&
        matches(caller, callee),
      strikes(call) {
        if (!inWindow() || !matches(call.caller, call.callee) || !isMeant(call)) return false
        if (percent < 100 && random.draw(`fault/${id}`, `${call.edge}/${call.attempt}`, call.nth) * 100 >= percent)
          return false
        hits++
        record('fault.hit', { fault: id, kind: behaviour.kind, call: call.id, edge: call.edge, attempt: call.attempt })
        if (times !== undefined && hits >= times) fault.end('used-up')
        return true
      },
      end(reason) {
        if (over) return
        over = true
        active.delete(fault)
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
    active.add(fault)
    if (afterMs > 0)
      undo.push(
        clock.timer(afterMs, () => {
          startedAt = clock.now()
          changed()
        }),
      )
    if (forMs !== undefined) undo.push(clock.timer(afterMs + forMs, () => fault.end('expired')))
    changed()
    return fault
  }

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

  const time = { clock, stopping }
  const jitter = (call: Call) => random.draw('latency-jitter', `${call.edge}/${call.attempt}`, call.nth)

  return {
    outage: (target, options = {}) => inject(behaviours.outage(), target, options),
    latency(target, options) {
      validateNumbers('latency', options, { ms: [0, Infinity] }, { jitterMs: [0, Infinity] })
      return inject(behaviours.latency(options, time, jitter), target, options)
    },
    abort(target, options = {}) {
      validateFaultOptions('abort', options)
      validateNumbers('abort', options, {}, { status: [200, 599] })
      const { percent: _p, times: _t, afterMs: _a, forMs: _f, when: _w, ...content } = options
      return inject(behaviours.abort(content), target, options)
    },
    reset(target, options = {}) {
      validateFaultOptions('reset', options)
      return inject(behaviours.reset(options), target, options)
    },
    hang: (target, options = {}) => inject(behaviours.hang(time), target, options),
    truncate: (target, options = {}) => inject(behaviours.truncate(), target, options),
    loseReply: (target, options = {}) => inject(behaviours.loseReply(time), target, options),
    partition(a, b, options = {}) {
      validateFaultOptions('partition', options)
      const { direction = 'both' } = options
      if (!['both', 'to', 'from'].includes(direction))
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `chaos.partition: expected \`direction\` to be "both", "to" or "from", got ${describeValue(direction)}`,
        )
      for (const side of [a, b])
        if (!Array.isArray(side) || side.length === 0)
          throw new MeshError(
            'MESH_INVALID_OPTION',
            `chaos.partition: expected two lists of services, got ${describeValue(side)}`,
          )
      for (const service of [...a, ...b]) expectService(service)
      const both = a.find((service) => b.includes(service))
      if (both !== undefined)
        throw new MeshError('MESH_INVALID_OPTION', `chaos.partition: "${both}" stands on both sides`, {
          fix: 'Name each service on one side only.',
        })
      return inject(behaviours.partition([...a], [...b], direction, time), `${a.join(',')}|${b.join(',')}`, options)
    },
    flap(target, options) {
      validateNumbers('flap', options, { upMs: [0, Infinity], downMs: [1, Infinity] }, {})
      return inject(behaviours.flap(options), target, options)
    },
    heal(target) {
      const healed = [...active].filter((fault) => target === undefined || fault.target === target)
      // With nothing to take back it may be a wrong name.
      if (target !== undefined && healed.length === 0) resolve(target)
      for (const fault of healed) fault.end('reverted')
    },
    get faults() {
      return [...active]
    },
    filter,
    refuses: (caller, callee) => [...active].some((fault) => fault.refuses(caller, callee)),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    revertAll(reason) {
      for (const fault of [...active]) fault.end(reason)
    },
  }
}
