import type { Stood } from './standing.ts'

/** What went over an edge to a service that speaks bytes. */
export interface ConnectionRow {
  readonly edge: string
  readonly opened: number
  /** Not ended yet. */
  readonly open: number
  /** To the service and back, of the connections that have ended. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** How they ended: `ended 3, reset 1`, the most frequent one first. */
  readonly endings: string
}

/** One row per edge that carries bytes, in the order of declaration. */
export function connectionTable({ journal, facts }: Pick<Stood, 'journal' | 'facts'>): ConnectionRow[] {
  const edges = facts().edges.filter(({ carriesBytes }) => carriesBytes)
  return edges.map(({ name: edge }): ConnectionRow => {
    const opened = journal.where({ type: 'connection.opened', edge }).length
    const closed = journal.where({ type: 'connection.closed', edge })
    const byOutcome = new Map<string, number>()
    for (const { outcome } of closed) byOutcome.set(outcome, (byOutcome.get(outcome) ?? 0) + 1)
    return {
      edge,
      opened,
      open: opened - closed.length,
      bytesSent: closed.reduce((sum, { bytesSent }) => sum + bytesSent, 0),
      bytesReceived: closed.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0),
      endings: [...byOutcome]
        .sort(([, a], [, b]) => b - a)
        .map(([outcome, count]) => `${outcome} ${count}`)
        .join(', '),
    }
  })
}
