import type { Journal } from '../journal/journal.ts'

/** The trace that took longest from its first to its last span. */
export function slowestTrace(journal: Pick<Journal, 'where'>): string | undefined {
  const spans = new Map<string, { startMs: number; endMs: number }>()
  for (const { traceId, startMs, endMs } of journal.where({ type: 'span.ended' })) {
    const before = spans.get(traceId)
    spans.set(traceId, {
      startMs: Math.min(startMs, before?.startMs ?? Infinity),
      endMs: Math.max(endMs, before?.endMs ?? -Infinity),
    })
  }
  let slowest: string | undefined
  let longestMs = -Infinity
  for (const [traceId, { startMs, endMs }] of spans)
    if (endMs - startMs > longestMs) [slowest, longestMs] = [traceId, endMs - startMs]
  return slowest
}
