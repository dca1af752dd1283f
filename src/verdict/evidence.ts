import type { Outcome } from '../call/reply.ts'
import type { Attempt, EdgeCall } from './traffic.ts'
import type { Transition } from './transition.ts'

/** One line of evidence before it is laid out. */
export interface Row {
  /** Where it stands in the history; rows are shown in this order. */
  readonly seq: number
  readonly t: number
  /** Columns, aligned over all rows that are shown; or one free text, which no column makes room for. */
  readonly cells: readonly string[] | string
  /** Shown even in the middle of a long history: a circuit's transitions, the end of a fault. */
  readonly key?: boolean
}

const head = 12
const tail = 8
const keyHead = 8
const keyTail = 4

/**
 * Rows as lines: `   100 ms  POST /charges  503  retry 1`. Times are relative to the first row (unless the history runs
 * through the start of a simulation, which sets the time back: then they are the journal's). Shows the first 12 and the
 * last 8 rows, at most 12 key rows between them, and how many are left out.
 */
export function timeline(rows: readonly Row[]): string[] {
  const ordered = rows.toSorted((a, b) => a.seq - b.seq)
  const shown = new Set<number>()
  const keys: number[] = []
  for (let i = 0; i < ordered.length; i++) {
    // One row more than the limit is shown rather than replaced by a line of the same height.
    if (i < head || i >= ordered.length - tail || ordered.length <= head + tail + 1) shown.add(i)
    else if (ordered[i]!.key) keys.push(i)
  }
  for (const i of keys.length > keyHead + keyTail ? [...keys.slice(0, keyHead), ...keys.slice(-keyTail)] : keys)
    shown.add(i)

  const picked = [...shown].toSorted((a, b) => a - b)
  const first = ordered[0]?.t ?? 0
  const base = picked.every((i) => ordered[i]!.t >= first) ? first : 0
  const times = picked.map((i) => formatMs(ordered[i]!.t - base))
  const timeWidth = Math.max(9, ...times.map((time) => time.length))
  const widths: number[] = []
  for (const i of picked) {
    const { cells } = ordered[i]!
    if (typeof cells !== 'string') cells.forEach((cell, c) => (widths[c] = Math.max(widths[c] ?? 0, cell.length)))
  }
  const lines: string[] = []
  picked.forEach((i, n) => {
    const left = i - (n === 0 ? -1 : picked[n - 1]!) - 1
    if (left > 0) lines.push(`${' '.repeat(timeWidth)}  ... ${left} more`)
    const { cells } = ordered[i]!
    const text = typeof cells === 'string' ? cells : cells.map((cell, c) => cell.padEnd(widths[c]!)).join('  ')
    lines.push(`${times[n]!.padStart(timeWidth)}  ${text}`.trimEnd())
  })
  return lines
}

/** One row for each try. */
export function attemptRows(attempts: readonly Attempt[]): Row[] {
  return attempts.map((attempt) => ({
    seq: attempt.seq,
    t: attempt.startedMs,
    cells: [
      `${attempt.method} ${attempt.path}`,
      outcomeText(attempt.outcome, attempt.status),
      [attempt.retry > 0 ? `retry ${attempt.retry}` : '', attempt.fault ?? ''].filter(Boolean).join(', '),
    ],
  }))
}

/** One row for each call, whatever the number of its tries. */
export function callRows(calls: readonly EdgeCall[], note: (call: EdgeCall) => string = () => ''): Row[] {
  return calls.map((call) => ({
    seq: call.seq,
    t: call.startedMs,
    cells: [
      `${call.method} ${call.path}`,
      outcomeText(call.outcome, call.status),
      [call.attempts > 1 ? `${call.attempts} tries` : '', note(call)].filter(Boolean).join(', '),
    ],
  }))
}

export function transitionRows(transitions: readonly Transition[]): Row[] {
  return transitions.map(({ seq, t, from, to, failures, reason }) => ({
    seq,
    t,
    cells: [
      `circuit ${from} -> ${to}`,
      to === 'open' && failures !== undefined ? `after ${counted(failures, 'failure')}` : reason,
    ].join('  '),
    key: true,
  }))
}

/** `503`, `refused`, or `in flight` for what has not ended. */
export function outcomeText(outcome: Outcome | undefined, status: number | undefined): string {
  if (outcome === undefined) return 'in flight'
  return outcome === 'answered' ? String(status ?? 'answered') : outcome
}

/** `120 ms`; a fraction is told below 10 ms only. */
export function formatMs(ms: number): string {
  return `${Math.abs(ms) < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`
}

/** `never`, `once`, `twice`, `3 times`. */
export const times = (n: number): string => ['never', 'once', 'twice'][n] ?? `${n} times`

/** `1 failure`, `2 failures`, `3 retries`. */
export const counted = (n: number, noun: string, plural = `${noun}s`): string => `${n} ${n === 1 ? noun : plural}`

/** `5`, `5 and 3`, `5, 5 and 3`; past eight the rest is a number. */
export function listed(items: readonly (string | number)[]): string {
  const shown = items.length > 8 ? [...items.slice(0, 7), `${items.length - 7} more`] : items
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}
