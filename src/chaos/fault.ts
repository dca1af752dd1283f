import type { Call } from '../call/call.ts'
import type { Filter } from '../call/filter.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'

/** What every fault takes. All times are milliseconds on the mesh's clock. */
export interface FaultOptions {
  /** Share of the calls that are hit, 0 to 100, decided by the seed. Default 100. */
  percent?: number
  /** Hits after which the fault ends by itself. Default: no limit. */
  times?: number
  /** Starts this long after it was injected. Default 0. */
  afterMs?: number
  /** Ends this long after it started. Default: at the end of the test. */
  forMs?: number
  /** Only calls for which this is true are hit. Must not have side effects. */
  when?: (call: Call) => boolean
}

export type FaultKind =
  | 'outage'
  | 'latency'
  | 'abort'
  | 'reset'
  | 'close'
  | 'hang'
  | 'truncate'
  | 'garbage'
  | 'malformed-chunk'
  | 'slow-headers'
  | 'bandwidth'
  | 'slow-body'
  | 'stall'
  | 'go-away'
  | 'packet-loss'
  | 'lose-reply'
  | 'partition'
  | 'flap'
  | 'slice'
  | 'limit'
  | 'slow-close'

/** What a fault does to a call that it hits. */
export interface FaultBehaviour {
  readonly kind: FaultKind
  readonly act: Filter
  /** Whether the fault is doing anything `sinceMs` after its start; a flapping service is up part of the time. Default: always. */
  readonly on?: (sinceMs: number) => boolean
  /** Whether a hit means that nothing listens any more (then a listener really closes its port). */
  readonly closesPort?: boolean
  /** Set for a fault that tells directions apart: what it does to calls on edges against its direction. */
  readonly appliesTo?: (caller: string, callee: string) => boolean
  /** Plain options as they go into the journal. */
  readonly options: Readonly<Record<string, unknown>>
}

/** What behaviours work with. */
export interface FaultContext {
  readonly clock: Clock
  readonly random: Random
  readonly record: Recorder['record']
  /** Aborts when the mesh stops, and ends every wait. */
  readonly stopping: AbortSignal
  /** Whether what the network gives reaches the connection of the caller as it is, with no policy of the mesh between. */
  readonly reachesWire: (call: Call) => boolean
}

/** The handle of an injected fault. `using fault = mesh.chaos.latency(...)` takes it back at the end of the block. */
export interface Fault extends Disposable {
  readonly id: string
  readonly kind: FaultKind
  readonly target: string
  /** Calls (tries, to be exact) hit so far; of a service with `tcp: true` connections. */
  readonly hits: number
  /** False before `afterMs`, after `forMs`, when `times` is used up, and once reverted. */
  readonly active: boolean
  /** Takes the fault back. Idempotent. */
  revert(): void
}
