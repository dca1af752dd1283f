import type { Entry } from '../journal/entry.ts'
import type { Journal } from '../journal/journal.ts'
import type { JournalTime } from './journal-time.ts'

/** A fault over its life. */
export interface FaultSpan {
  readonly fault: string
  readonly kind: string
  readonly target: string
  readonly options: Readonly<Record<string, unknown>>
  /** When it began to act, which is later than its injection by `afterMs`. */
  readonly fromMs: number
  /** When it ended; the end of the journal for one that goes on. */
  readonly toMs: number
  /** Why it ended. */
  readonly ended: Entry<'fault.reverted'>['reason'] | undefined
  readonly hits: number
  /** Edges that it hit. */
  readonly edges: ReadonlySet<string>
}

export function faultSpans(journal: Journal, time: JournalTime): FaultSpan[] {
  const hits = new Map<string, Entry<'fault.hit'>[]>()
  for (const hit of journal.where({ type: 'fault.hit' })) {
    const same = hits.get(hit.fault)
    if (same) same.push(hit)
    else hits.set(hit.fault, [hit])
  }
  const ends = new Map(journal.where({ type: 'fault.reverted' }).map((entry) => [entry.fault, entry]))
  return journal.where({ type: 'fault.injected' }).map(({ seq, fault, kind, target, options }) => {
    const end = ends.get(fault)
    const own = hits.get(fault) ?? []
    const toMs = end ? time.at(end.seq) : time.endMs
    const afterMs = typeof options['afterMs'] === 'number' ? options['afterMs'] : 0
    return {
      fault,
      kind,
      target,
      options,
      fromMs: Math.min(time.at(seq) + afterMs, toMs),
      toMs,
      ended: end?.reason,
      hits: end?.hits ?? own.length,
      edges: new Set(own.map(({ edge }) => edge)),
    }
  })
}

/** Whether a fault has to do with an edge: it hit a call there, or was aimed at the edge or its callee. */
export function concerns({ target, edges }: FaultSpan, edge: string): boolean {
  return edges.has(edge) || target === edge || target === edge.split('->')[1]
}
