import type { Journal } from '../journal/journal.ts'

/** The time of each entry on one axis. */
export interface JournalTime {
  /** Milliseconds since the mesh started, simulated time included. */
  at(seq: number): number
  /** Time of the last entry. */
  readonly endMs: number
}

/** The journal's time starts at 0 again in each simulation; on a picture of the whole, the simulation follows what came before it. */
export function journalTime({ entries }: Pick<Journal, 'entries'>): JournalTime {
  const times: number[] = []
  let latestMs = 0
  let offsetMs = 0
  for (const { type, t } of entries) {
    if (type === 'simulation.started') offsetMs = latestMs - t
    // A picture cannot run backwards: an entry that seems older than the one before it stands beside it.
    latestMs = Math.max(latestMs, t + offsetMs)
    times.push(latestMs)
    if (type === 'simulation.ended') offsetMs = 0
  }
  return { at: (seq) => times[seq] ?? latestMs, endMs: latestMs }
}

/** `12 ms`, `4.02 s`, `1 min 5 s`, `2 h 10 min`. */
export function shownMs(ms: number): string {
  if (!Number.isFinite(ms)) return '?'
  if (ms < 1_000) return `${Number(ms.toFixed(ms < 10 ? 1 : 0))} ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(2))} s`
  const [unit, small, unitMs, smallMs] = ms < 3_600_000 ? ['min', 's', 60_000, 1_000] : ['h', 'min', 3_600_000, 60_000]
  const smalls = Math.round(ms / smallMs)
  const perUnit = unitMs / smallMs
  const rest = smalls % perUnit
  return `${Math.floor(smalls / perUnit)} ${unit}${rest > 0 ? ` ${rest} ${small}` : ''}`
}

const stepsMs = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
  900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
]

/** Round times for the marks of an axis that ends at `endMs`: 0 and, depending on the span, three to eight more. */
export function axisMarks(endMs: number, most = 8): number[] {
  const days = Math.ceil(endMs / (86_400_000 * most)) * 86_400_000
  const stepMs = stepsMs.find((step) => endMs / step <= most) ?? days
  return Array.from({ length: Math.floor(endMs / stepMs) + 1 }, (_, n) => n * stepMs)
}
