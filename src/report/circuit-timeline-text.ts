import type { CircuitStateName } from '../journal/entry.ts'
import type { Subject } from '../journal/subject.ts'
import { circuitLives, ownerText } from './circuit-life.ts'
import type { CircuitLife } from './circuit-life.ts'
import { shownMs } from './journal-time.ts'
import { counted, cut, oneLine } from './markup.ts'

export interface TimelineTextOptions {
  /** Characters in the bar. Default 64, at least 16. */
  width?: number
  /** Changes of state listed per circuit, the first and the last ones; the rest is counted. Default 24. */
  maxChanges?: number
}

const signs: { readonly [state in CircuitStateName]: string } = {
  closed: '█',
  open: '░',
  'half-open': '▒',
  isolated: '╳',
}

const maxCircuits = 20
const maxFaults = 6
const labelWidth = 12

/**
 * The life of each circuit as text: a bar over the whole journal with the failed tries (`x`) and the faults below it, and
 * the changes of state with their times and reasons. For a mesh, a service or an edge. Shows 20 circuits with 6 faults each.
 *
 * @example
 * console.log(circuitTimelineText(mesh.edge('orders->payments')))
 */
export function circuitTimelineText(subject: Subject, options: TimelineTextOptions = {}): string {
  const width = Math.max(16, Math.floor(options.width ?? 64))
  const { lives, endMs } = circuitLives(subject)
  if (lives.length === 0) return 'no circuit breaker on any edge, neither of the mesh nor observed'
  const shown = lives.slice(0, maxCircuits)
  const used = new Set(shown.flatMap(({ periods }) => periods.map(({ state }) => state)))
  const legend = (Object.keys(signs) as CircuitStateName[])
    .filter((state) => used.has(state))
    .map((state) => `${state} ${signs[state].repeat(3)}`)
  return [
    ...shown.map((life) => lifeText(life, endMs, width, options.maxChanges ?? 24)),
    ...(lives.length > shown.length ? [`... and ${counted(lives.length - shown.length, 'more circuit')}`] : []),
    `${legend.join('   ')}   x a failed try   ─ a fault`,
  ].join('\n\n')
}

function lifeText(life: CircuitLife, endMs: number, width: number, maxChanges: number): string {
  const { edge, owner, faults, failuresMs, rejections, changes } = life
  const row = (label: string, bar: string) => `  ${cut(label, labelWidth).padEnd(labelWidth)} |${bar}|`
  const marks = Array<string>(width).fill(' ')
  for (const ms of failuresMs) marks[columnOf(ms, endMs, width)] = 'x'
  const state = life.periods.at(-1)!.state
  const turnedAway = rejections > 0 ? `, ${counted(rejections, 'call')} turned away` : ''
  const shownFaults = faults.slice(0, maxFaults)
  return [
    `${oneLine(edge)}  ${ownerText[owner]}: ${state}, ${counted(failuresMs.length, 'failed try', 'failed tries')}${turnedAway}`,
    `${row('circuit', barOf(life, endMs, width))} 0 .. ${shownMs(endMs)}`,
    ...(failuresMs.length > 0 ? [row('failed tries', marks.join(''))] : []),
    ...shownFaults.map(({ kind, target, fromMs, toMs }) => {
      const from = columnOf(fromMs, endMs, width)
      const bar = ' '.repeat(from) + '─'.repeat(Math.max(1, columnOf(toMs, endMs, width) - from + 1))
      return `${row(oneLine(kind), bar.padEnd(width))} ${oneLine(target)}`
    }),
    ...(faults.length > shownFaults.length ? [`  ... and ${counted(faults.length - maxFaults, 'more fault')}`] : []),
    ...changeLines(changes, maxChanges),
  ].join('\n')
}

/** The sign of each column: half-open wherever a trial was, because trials are short; else the state that took longest. */
function barOf({ periods }: CircuitLife, endMs: number, width: number): string {
  const columns = Array.from({ length: width }, () => ({ sign: signs.closed, ms: -1 }))
  for (const { state, fromMs, toMs } of periods) {
    const last = columnOf(toMs, endMs, width)
    for (let column = columnOf(fromMs, endMs, width); column <= last; column++) {
      const [from, to] = [(column / width) * endMs, ((column + 1) / width) * endMs]
      const ms = state === 'half-open' ? Infinity : Math.min(toMs, to) - Math.max(fromMs, from)
      if (ms > columns[column]!.ms) columns[column] = { sign: signs[state], ms }
    }
  }
  return columns.map(({ sign }) => sign).join('')
}

const columnOf = (ms: number, endMs: number, width: number) =>
  endMs > 0 ? Math.min(width - 1, Math.floor((ms / endMs) * width)) : 0

function changeLines(changes: CircuitLife['changes'], most: number): string[] {
  if (changes.length === 0) return ['  it never changed its state']
  const tail = Math.floor(most / 3)
  const left = changes.length - most
  const line = ({ atMs, from, to, reason }: CircuitLife['changes'][number]) =>
    `  ${shownMs(atMs).padStart(labelWidth)}  ${`${from} -> ${to}`.padEnd(21)}  ${cut(oneLine(reason), 100)}`
  if (left <= 1) return changes.map(line)
  return [
    ...changes.slice(0, most - tail).map(line),
    `  ${' '.repeat(labelWidth)}  ... ${left} more`,
    ...changes.slice(changes.length - tail).map(line),
  ]
}
