import type { Subject } from '../journal/subject.ts'
import type { Fidelity } from '../time/clock.ts'
import type { Topology } from '../topology/graph.ts'
import type { WaterfallLimits } from '../tracing/waterfall.ts'

/** What a report asks of a mesh; every running or stopped mesh has it. */
export interface Reported extends Subject {
  readonly seed: string
  readonly graph: Pick<Topology, 'toSvg' | 'order' | 'hasService' | 'hasEdge' | 'services' | 'edges'>
  readonly traces: {
    toText(traceId?: string, limits?: WaterfallLimits): string
    toHtml(traceId?: string, limits?: Omit<WaterfallLimits, 'width'>): string
  }
  readonly problems: readonly Error[]
  /** How close simulated delays came; a report mentions them when there were any in real time. */
  fidelity?(): Fidelity
}
