import type { Call } from '../call/call.ts'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import { abort } from './behaviours/abort.ts'
import type { AbortOptions } from './behaviours/abort.ts'
import { bandwidth } from './behaviours/bandwidth.ts'
import type { BandwidthOptions } from './behaviours/bandwidth.ts'
import { close } from './behaviours/close.ts'
import type { CloseOptions } from './behaviours/close.ts'
import { flap } from './behaviours/flap.ts'
import type { FlapOptions } from './behaviours/flap.ts'
import { garbage } from './behaviours/garbage.ts'
import type { GarbageOptions } from './behaviours/garbage.ts'
import { goAway } from './behaviours/go-away.ts'
import { hang } from './behaviours/hang.ts'
import { latency } from './behaviours/latency.ts'
import type { LatencyOptions } from './behaviours/latency.ts'
import { loseReply } from './behaviours/lose-reply.ts'
import { malformedChunk } from './behaviours/malformed-chunk.ts'
import { outage } from './behaviours/outage.ts'
import { packetLoss } from './behaviours/packet-loss.ts'
import type { PacketLossOptions } from './behaviours/packet-loss.ts'
import { partition } from './behaviours/partition.ts'
import type { PartitionDirection } from './behaviours/partition.ts'
import { reset } from './behaviours/reset.ts'
import type { ResetOptions } from './behaviours/reset.ts'
import { slowBody } from './behaviours/slow-body.ts'
import type { SlowBodyOptions } from './behaviours/slow-body.ts'
import { slowHeaders } from './behaviours/slow-headers.ts'
import type { SlowHeadersOptions } from './behaviours/slow-headers.ts'
import { stall } from './behaviours/stall.ts'
import type { StallOptions } from './behaviours/stall.ts'
import { truncate } from './behaviours/truncate.ts'
import type { TruncateOptions } from './behaviours/truncate.ts'
import type { Fault, FaultBehaviour, FaultContext, FaultKind, FaultOptions } from './fault.ts'
import { createInjections } from './injections.ts'
import type { Injections, InjectionsContext } from './injections.ts'
import { limit, slice, slowClose } from './behaviours/bytes.ts'
import type { LimitOptions, SliceOptions, SlowCloseOptions } from './behaviours/bytes.ts'
import type { Links } from './link.ts'
import { validateFault } from './validate.ts'

export interface ChaosContext extends InjectionsContext {
  /** Throws for what is no service. */
  readonly expectService: (name: string) => void
  /** Whether what the network gives reaches the connection of the caller as it is, with no policy of the mesh between. */
  readonly reachesWire: (call: Call) => boolean
}

/** `S` and `E` are the names of services and edges; a wrong name is a compile error and a `MeshError`. */
export interface Chaos<S extends string = string, E extends string = string> {
  /** Connections to the service (on the edge) are refused. */
  outage(target: S | E, options?: FaultOptions): Fault
  /** Adds a delay in milliseconds. */
  latency(target: S | E, options: LatencyOptions & FaultOptions): Fault
  /** Answers with a status (default 503) in the service's place. */
  abort(target: S | E, options?: AbortOptions & FaultOptions): Fault
  /** Tears connections down (RST): before the headers, after them, or in the body. */
  reset(target: S | E, options?: ResetOptions & FaultOptions): Fault
  /** Closes connections early (FIN): before the headers, which is an empty reply, or after them. */
  close(target: S | E, options?: CloseOptions & FaultOptions): Fault
  /** Never answers. */
  hang(target: S | E, options?: FaultOptions): Fault
  /** Closes the connection in the middle of the body. */
  truncate(target: S | E, options?: TruncateOptions & FaultOptions): Fault
  /** Sends bytes that are no HTTP in place of an answer. */
  garbage(target: S | E, options?: GarbageOptions & FaultOptions): Fault
  /** Breaks the framing of an answer in chunks, in the middle of the body. */
  malformedChunk(target: S | E, options?: FaultOptions): Fault
  /** The head of the answer trickles in. */
  slowHeaders(target: S | E, options: SlowHeadersOptions & FaultOptions): Fault
  /** The body of the answer comes at this speed, never faster. */
  bandwidth(target: S | E, options: BandwidthOptions & FaultOptions): Fault
  /** The body of the answer comes in pieces, one every so often. */
  slowBody(target: S | E, options: SlowBodyOptions & FaultOptions): Fault
  /** The body of the answer stops in the middle and goes on later. */
  stall(target: S | E, options?: StallOptions & FaultOptions): Fault
  /** The connection takes no more requests: GOAWAY in HTTP/2, a FIN before the headers in HTTP/1.1. */
  goAway(target: S | E, options?: FaultOptions): Fault
  /** Packets are lost with this probability, and sent again by TCP: some answers are late, few connections break. */
  packetLoss(target: S | E, options: PacketLossOptions & Omit<FaultOptions, 'percent'>): Fault
  /** The request is processed, its answer never arrives. */
  loseReply(target: S | E, options?: FaultOptions): Fault
  /** Loses everything between the two sides (`to`: only what side `a` sends, `from`: only what side `b` sends). Default `both`. */
  partition(a: readonly S[], b: readonly S[], options?: { direction?: PartitionDirection } & FaultOptions): Fault
  /** Goes down and comes up again, over and over, starting with `upMs` of service. */
  flap(target: S | E, options: FlapOptions & FaultOptions): Fault
  /** Of a service with `tcp: true`: bytes pass in small pieces. */
  slice(target: S | E, options: SliceOptions & FaultOptions): Fault
  /** Of a service with `tcp: true`: connections are closed once so many bytes have passed. */
  limit(target: S | E, options: LimitOptions & FaultOptions): Fault
  /** Of a service with `tcp: true`: the end of a stream arrives later. */
  slowClose(target: S | E, options: SlowCloseOptions & FaultOptions): Fault
  /** Takes back all faults, or those injected with this target. Throws for a target that is neither a service nor an edge. */
  heal(target?: S | E): void
  /** The faults injected and not yet over, oldest first. */
  readonly faults: readonly Fault[]
}

export interface ChaosControl
  extends Chaos, Links, Pick<Injections, 'filter' | 'refuses' | 'concerns' | 'onChange' | 'revertAll'> {}

export function createChaos(context: ChaosContext): ChaosControl {
  const injections = createInjections(context)
  const { inject } = injections

  /** A method that checks its options and makes the behaviour of them. */
  const of =
    <O extends object>(kind: FaultKind, make: (options: O, context: FaultContext) => FaultBehaviour) =>
    (target: string, options?: O & FaultOptions): Fault => {
      validateFault(kind, options)
      const given = options ?? ({} as O)
      return inject(make(given, context), target, given)
    }

  return {
    outage: of('outage', outage),
    latency: of('latency', latency),
    abort: of('abort', abort),
    reset: of('reset', reset),
    close: of('close', close),
    hang: of('hang', (_none, time) => hang(time)),
    truncate: of('truncate', truncate),
    garbage: of('garbage', garbage),
    malformedChunk: of('malformed-chunk', malformedChunk),
    slowHeaders: of('slow-headers', slowHeaders),
    bandwidth: of('bandwidth', bandwidth),
    slowBody: of('slow-body', slowBody),
    stall: of('stall', stall),
    goAway: of('go-away', goAway),
    packetLoss(target, options) {
      validateFault('packet-loss', options)
      // Its percentage is of packets, not of calls.
      const { percent: _packets, ...ofCalls } = options
      return inject(packetLoss(options, context), target, ofCalls)
    },
    loseReply: of('lose-reply', (_none, time) => loseReply(time)),
    partition(a, b, options = {}) {
      validateFault('partition', options)
      const { direction = 'both' } = options
      for (const side of [a, b])
        if (!Array.isArray(side) || side.length === 0)
          throw new MeshError(
            'MESH_INVALID_OPTION',
            `chaos.partition: expected two lists of services, got ${describeValue(side)}`,
          )
      for (const service of [...a, ...b]) context.expectService(service)
      const both = a.find((service) => b.includes(service))
      if (both !== undefined)
        throw new MeshError('MESH_INVALID_OPTION', `chaos.partition: "${both}" stands on both sides`, {
          fix: 'Name each service on one side only.',
        })
      return inject(partition([...a], [...b], direction, context), `${a.join(',')}|${b.join(',')}`, options)
    },
    flap: of('flap', flap),
    slice: (target, options) => inject(slice(options), target, options),
    limit: (target, options) => inject(limit(options), target, options),
    slowClose: (target, options) => inject(slowClose(options), target, options),
    heal(target) {
      // With nothing to take back it may be a wrong name.
      if (injections.revert(target) === 0 && target !== undefined) context.resolve(target)
    },
    get faults() {
      return injections.faults
    },
    ...injections.links,
    filter: injections.filter,
    refuses: injections.refuses,
    concerns: injections.concerns,
    onChange: injections.onChange,
    revertAll: injections.revertAll,
  }
}
