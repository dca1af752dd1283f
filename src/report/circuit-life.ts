import type { CircuitStateName, Entry } from '../journal/entry.ts'
import { subjectKind } from '../journal/subject.ts'
import type { EdgeFacts, Subject } from '../journal/subject.ts'
import { concerns, faultSpans } from './fault-span.ts'
import type { FaultSpan } from './fault-span.ts'
import { journalTime } from './journal-time.ts'

export interface CircuitPeriod {
  readonly state: CircuitStateName
  readonly fromMs: number
  readonly toMs: number
}

/** What became of one circuit breaker, with what bore on it. Times as in {@link journalTime}. */
export interface CircuitLife {
  readonly edge: string
  /** Whose breaker it is: the mesh's own, or one in the code under test that is observed. */
  readonly owner: 'mesh' | 'observed'
  /** One after the other from 0 to the end of the journal. */
  readonly periods: readonly CircuitPeriod[]
  readonly changes: readonly (Pick<Entry<'circuit.changed'>, 'from' | 'to' | 'reason'> & { readonly atMs: number })[]
  /** When tries on the edge failed: nobody answered, or with a status from 500. */
  readonly failuresMs: readonly number[]
  /** Calls that the open circuit turned away, as far as its owner tells. */
  readonly rejections: number
  readonly faults: readonly FaultSpan[]
}

export interface CircuitLives {
  readonly lives: readonly CircuitLife[]
  /** The end of the journal. */
  readonly endMs: number
}

export const ownerText = { mesh: "the mesh's circuit", observed: 'observed in the code under test' } as const

/**
 * The circuits of a mesh, of the edges that meet a service, or of an edge, in the order of the edges; read from the
 * journal alone. An edge has one when the mesh keeps a breaker on it, when one is observed, or when one ever was.
 */
export function circuitLives(subject: Subject): CircuitLives {
  const { journal } = subject
  const time = journalTime(journal)
  const faults = faultSpans(journal, time)
  const known = new Map(subject.facts().edges.map((facts) => [facts.name, facts]))
  // Edges that were removed have left their entries.
  const seen = new Set(journal.where({ type: 'circuit.changed' }).map(({ edge }) => edge))
  const edges = [...new Set([...known.keys(), ...seen])].filter((edge) => isAbout(subject, edge))
  const lives = edges.flatMap((edge) =>
    ownersOf(subject, edge, known.get(edge)).map((owner): CircuitLife => {
      const changes = journal
        .where({ type: 'circuit.changed', edge, source: owner })
        .filter(({ from, to }) => from !== to)
        .map(({ seq, from, to, reason }) => ({ atMs: time.at(seq), from, to, reason }))
      return {
        edge,
        owner,
        changes,
        periods: periodsOf(changes, time.endMs),
        failuresMs: journal
          .where({ type: 'attempt.ended', edge })
          .filter(isFailure)
          .map(({ seq }) => time.at(seq)),
        rejections: journal.where({ type: 'circuit.rejected', edge, source: owner }).length,
        faults: faults.filter((fault) => concerns(fault, edge)),
      }
    }),
  )
  return { lives, endMs: time.endMs }
}

function isAbout(subject: Subject, edge: string): boolean {
  const kind = subject[subjectKind]
  if (kind === 'edge') return edge === subject.name
  return kind !== 'service' || edge.split('->').includes(subject.name)
}

function ownersOf({ journal }: Subject, edge: string, facts: EdgeFacts | undefined): CircuitLife['owner'][] {
  const sources = new Set(journal.where({ type: 'circuit.changed', edge }).map(({ source }) => source))
  if (facts?.ownsCircuit) sources.add('mesh')
  if (facts?.observed) sources.add('observed')
  return [...sources]
}

function periodsOf(changes: CircuitLife['changes'], endMs: number): CircuitPeriod[] {
  const periods: CircuitPeriod[] = []
  let state = changes[0]?.from ?? 'closed'
  let fromMs = 0
  for (const { atMs, to } of changes) {
    periods.push({ state, fromMs, toMs: atMs })
    state = to
    fromMs = atMs
  }
  return [...periods, { state, fromMs, toMs: Math.max(endMs, fromMs) }]
}

const isFailure = ({ outcome, status = 0 }: Entry<'attempt.ended'>) =>
  outcome === 'answered' ? status >= 500 : outcome !== 'circuit-open' && outcome !== 'bulkhead-full'
