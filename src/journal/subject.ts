import type { CallMode } from '../call/call.ts'
import type { Clock } from '../time/clock.ts'
import type { Journal } from './journal.ts'

export interface EdgeFacts {
  readonly name: string
  readonly caller: string
  readonly callee: string
  readonly mode: CallMode
  /** Whether the mesh itself keeps a circuit breaker on this edge (then the journal has its transitions). */
  readonly ownsCircuit: boolean
  /** Whether a breaker of the code under test is observed on this edge. */
  readonly observed: boolean
  /** Set when connections travel on it instead of calls (the callee is a service with `tcp: true`). */
  readonly carriesBytes?: true
  /** Set once somebody was told a real address that leads along it: then other processes may use it. */
  readonly addressed?: true
  /** Whether the caller is the code under test. */
  readonly callerUnderTest: boolean
  /** Whether an edge with a fallback (or an asynchronous one) keeps failures from its caller. */
  readonly shielded: boolean
  /** The policy options that bear on verdicts, for messages. */
  readonly policies: readonly string[]
}

export interface Facts {
  readonly mesh: string
  readonly seed: string
  /** Whether chance took part so far; only then do messages name the seed. */
  readonly chance: boolean
  readonly services: readonly string[]
  readonly edges: readonly EdgeFacts[]
}

export type SubjectKind = 'mesh' | 'edge' | 'service' | 'exploration'

export const subjectKind = Symbol.for('meshwright/kind')

/** What a matcher can be handed: a mesh, or its handle for an edge or a service. Recognised by brand, in any realm. */
export interface Subject {
  readonly [subjectKind]: SubjectKind
  /** `orders->payments`, `payments`, or the mesh's name. */
  readonly name: string
  readonly journal: Journal
  readonly clock: Clock
  facts(): Facts
}

export const isSubject = (value: unknown, kind?: SubjectKind): value is Subject =>
  typeof value === 'object' &&
  value !== null &&
  subjectKind in value &&
  (kind === undefined || (value as Subject)[subjectKind] === kind)
