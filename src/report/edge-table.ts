import { standing } from './standing.ts'
import type { Stood } from './standing.ts'
import type { DrawnStatus } from '../topology/drawing.ts'

export interface EdgeRow {
  readonly edge: string
  /** How it stands, as in the picture of the graph; undefined where nothing was called. */
  readonly status: DrawnStatus | undefined
  /** Ended calls, retries not counted. */
  readonly calls: number
  readonly attempts: number
  /** Calls that ended without an answer or with a status from 500. */
  readonly failures: number
  readonly fallbacks: number
  /** Milliseconds as the caller saw them; undefined without an ended call. */
  readonly medianMs: number | undefined
  readonly maxMs: number | undefined
}

/** One row per edge that carries calls, those that were called first, each group in the order of declaration. */
export function edgeTable({ journal, facts, graph }: Stood): EdgeRow[] {
  const status = standing({ journal, facts, ...(graph && { graph }) }).edges
  const carrying = facts().edges.filter(({ carriesBytes }) => !carriesBytes)
  const rows = carrying.map(({ name: edge }): EdgeRow => {
    const calls = journal.where({ type: 'call.ended', edge })
    const durations = calls.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
    return {
      edge,
      status: Object.hasOwn(status, edge) ? status[edge] : undefined,
      calls: calls.length,
      attempts: journal.where({ type: 'attempt.started', edge }).length,
      failures: calls.filter(({ outcome, status = 0 }) => outcome !== 'answered' || status >= 500).length,
      fallbacks: calls.filter(({ via }) => via === 'fallback').length,
      medianMs: medianOf(durations),
      maxMs: durations.at(-1),
    }
  })
  return [...rows.filter(({ calls }) => calls > 0), ...rows.filter(({ calls }) => calls === 0)]
}

function medianOf(sorted: readonly number[]): number | undefined {
  const middle = sorted.length >> 1
  if (sorted.length === 0) return undefined
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
