import { MeshError } from '../src/errors.ts'
import type { Subject, SubjectKind } from '../src/journal/subject.ts'
import { isSubject, subjectKind } from '../src/journal/subject.ts'
import type { Verdict } from '../src/journal/verdict.ts'
import { describeValue } from '../src/nearest.ts'
import { inline } from './inline.ts'
import type { SubjectByKind } from './subjects.ts'

/** What Jest, Playwright and Vitest all hand to a matcher as `this`. All optional: Jest's types leave some out. */
export interface MatcherState {
  isNot?: boolean
  promise?: string
  /** Playwright's: how long an assertion may wait, in milliseconds. */
  timeout?: number
  /** Set by a waiting twin that asks this matcher: the name to tell, its options, and the end of the waiting. */
  twin?: { readonly name: string; readonly options: readonly unknown[]; readonly waited: string }
}

/** What all three runners accept. Playwright reports `name`, `expected` and `actual` apart from the message. */
export interface MatcherResult {
  pass: boolean
  message: () => string
  name: string
  expected?: unknown
  actual?: unknown
}

interface Judgement<K extends keyof SubjectByKind> {
  readonly name: string
  readonly on: K
  /** The arguments after the received value, as they are shown. */
  readonly args: readonly unknown[]
  readonly verdict: (subject: SubjectByKind[K]) => Verdict
  /** What was expected, to follow "Expected": `the circuit to open`, and with `not` its opposite. */
  readonly wanted: (not: '' | 'not ') => string
}

/**
 * Gives words to a verdict.
 *
 * @throws MeshError `MESH_INVALID_OPTION` when what was received is not what the matcher is for: a failed assertion would let
 *   `.not` pass.
 */
export function judge<K extends keyof SubjectByKind>(
  state: MatcherState,
  received: unknown,
  { name, on, args, verdict: verdictOn, wanted }: Judgement<K>,
): MatcherResult {
  const title = state.twin?.name ?? name
  const subject = received
  if (!isSubjectOf(subject, on))
    throw new MeshError('MESH_INVALID_OPTION', `${title} expects ${examples[on]}, got ${describeReceived(received)}`)
  refuseBytes(title, name, on, subject)
  const verdict = verdictOn(subject)
  const message = () => {
    const shown = [...args, ...(state.twin?.options ?? [])].filter((arg) => arg !== undefined).map(inline)
    const { seed, chance } = subject.facts()
    return [
      `expect(${on} ${subject.name}).${state.isNot ? 'not.' : ''}${title}(${shown.join(', ')})`,
      `Expected ${wanted(state.isNot ? 'not ' : '')}, but ${verdict.summary}${verdict.evidence.length > 0 ? ':' : ''}`,
      ...verdict.evidence,
      ...(state.twin?.waited ? [state.twin.waited] : []),
      ...(chance ? [`Replay with MESHWRIGHT_SEED=${seed}`] : []),
    ].join('\n')
  }
  return {
    // What cannot be told fails either way.
    pass: verdict.undecided ? state.isNot === true : verdict.ok,
    message,
    name: title,
    ...('expected' in verdict && { expected: verdict.expected }),
    ...('actual' in verdict && { actual: verdict.actual }),
  }
}

/** Breakers of the code under test are observed on any edge. */
const ofCircuits: ReadonlySet<string> = new Set(['toHaveOpenedCircuit', 'toHaveCircuitState'])

/** No calls travel to a service that speaks bytes: counting them would give 0, and `.not` would pass. */
function refuseBytes(title: string, name: string, on: SubjectKind, subject: Subject): void {
  if (on === 'mesh' || ofCircuits.has(name)) return
  const edges = subject.facts().edges.filter(({ carriesBytes }) => carriesBytes)
  const found = edges.find((edge) => subject.name === (on === 'edge' ? edge.name : edge.callee))
  if (!found) return
  throw new MeshError(
    'MESH_UNSUPPORTED',
    `${title} looks for HTTP calls, and ${on} ${subject.name} carries bytes (tcp: true)`,
    { fix: `Look at mesh.edge('${found.name}').connections, or at "connection.closed" in the journal.` },
  )
}

const isSubjectOf = <K extends SubjectKind & keyof SubjectByKind>(
  value: unknown,
  kind: K,
): value is SubjectByKind[K] & { readonly [subjectKind]: K } => isSubject(value, kind)

const examples: Record<keyof SubjectByKind, string> = {
  edge: "an edge, e.g. mesh.edge('orders->payments')",
  service: "a service, e.g. mesh.service('payments')",
  mesh: 'a running mesh',
}

function describeReceived(value: unknown): string {
  if (isSubject(value)) return `${value[subjectKind]} "${value.name}" (${value[subjectKind]})`
  if (typeof value === 'object' && value !== null && 'then' in value) return 'a promise (await it first)'
  return describeValue(value)
}
