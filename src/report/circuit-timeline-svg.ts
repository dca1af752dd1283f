import type { CircuitStateName } from '../journal/entry.ts'
import type { Subject } from '../journal/subject.ts'
import { plainColours } from '../topology/drawing.ts'
import { circuitLives, ownerText } from './circuit-life.ts'
import type { CircuitLife, CircuitPeriod } from './circuit-life.ts'
import type { FaultSpan } from './fault-span.ts'
import { axisMarks, shownMs } from './journal-time.ts'
import { counted, cut, escaped } from './markup.ts'

/** Told apart by lightness, too; the states stand in words in the bar or the legend. */
const stateColours: { readonly [state in CircuitStateName]: { readonly fill: string; readonly text: string } } = {
  closed: { fill: '#86d9a4', text: '#14532d' },
  open: { fill: '#e05252', text: '#ffffff' },
  'half-open': { fill: '#f6b73c', text: '#451a03' },
  isolated: { fill: '#8b6fd6', text: '#ffffff' },
}
const failureColour = '#b91c1c'
const faultColours = { fill: '#fbe3d0', line: '#d9884a', text: '#7c3a0c' }

const width = 960
const left = 24
const right = 24
const chart = width - left - right
const barHeight = 22
const faultHeight = 16
const maxCircuits = 40
const maxFaults = 8

/**
 * The life of each circuit as a drawing, as SVG text that needs nothing else: one lane per edge with a circuit breaker (the
 * mesh's, or observed), coloured periods, failed tries as dots above, faults as spans below, and a time axis. For a mesh, a
 * service or an edge. Draws 40 circuits with 8 faults each; what falls on the same point is drawn once.
 *
 * @example
 * writeFileSync('circuit.svg', circuitTimelineSvg(mesh))
 */
export function circuitTimelineSvg(subject: Subject): string {
  const { lives, endMs } = circuitLives(subject)
  const shown = lives.slice(0, maxCircuits)
  const notes = [
    ...(lives.length === 0 ? ['No circuit breaker on any edge, neither of the mesh nor observed.'] : []),
    ...(lives.length > shown.length ? [`... and ${counted(lives.length - shown.length, 'more circuit')}`] : []),
  ]
  const x = (ms: number) => left + (endMs > 0 ? Math.min(1, Math.max(0, ms / endMs)) : 0) * chart
  const top = shown.length > 0 ? 44 : 20
  const lanes: string[] = []
  let y = top
  for (const life of shown) {
    lanes.push(...lane(life, y, x))
    y += laneHeight(life)
  }
  const bottom = y
  const noteLines = notes.map((note, index) => label(left, bottom + 14 + index * 18, note))
  const height = bottom + notes.length * 18 + (shown.length > 0 ? 34 : 8)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">`,
    `<title>${escaped(`Circuits of ${subject.name}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...(shown.length > 0 ? [...legend(shown), ...axis(endMs, top - 8, bottom, x)] : []),
    ...lanes,
    ...noteLines,
    '</svg>\n',
  ].join('\n')
}

const laneHeight = ({ faults }: CircuitLife) =>
  22 + 12 + barHeight + Math.min(faults.length, maxFaults + 1) * (faultHeight + 3) + 22

function lane(life: CircuitLife, top: number, x: (ms: number) => number): string[] {
  const { edge, owner, periods, failuresMs, rejections, faults } = life
  const dotsY = top + 26
  const barY = top + 34
  const facts = [
    ownerText[owner],
    counted(failuresMs.length, 'failed try', 'failed tries'),
    ...(rejections > 0 ? [`${counted(rejections, 'call')} turned away`] : []),
  ]
  return [
    `<text x="${left}" y="${top + 12}" font-weight="600" font-size="13" fill="${plainColours.text}">${escaped(cut(edge, 60))}<tspan dx="10" font-weight="400" font-size="12" fill="${plainColours.smallText}">${escaped(facts.join(' · '))}</tspan></text>`,
    ...dots(failuresMs, dotsY, x),
    // Trials last, so that what follows does not cover them.
    ...periods
      .filter(visible(x))
      .sort((a, b) => Number(a.state === 'half-open') - Number(b.state === 'half-open'))
      .map((period) => block(period, barY, x)),
    ...faults
      .slice(0, maxFaults)
      .map((fault, index) => span(fault, barY + barHeight + 4 + index * (faultHeight + 3), x)),
    ...(faults.length > maxFaults
      ? [
          label(
            left,
            barY + barHeight + 16 + maxFaults * (faultHeight + 3),
            `... and ${counted(faults.length - maxFaults, 'more fault')}`,
          ),
        ]
      : []),
  ]
}

/** Thousands of short periods would be drawn over each other: of each state, one per half a point is enough. */
function visible(x: (ms: number) => number): (period: CircuitPeriod) => boolean {
  const drawn = new Set<string>()
  return ({ state, fromMs, toMs }) => {
    if (x(toMs) - x(fromMs) >= 1) return true
    const place = `${state} ${Math.round(x(fromMs) * 2)}`
    if (drawn.has(place)) return false
    drawn.add(place)
    return true
  }
}

function block({ state, fromMs, toMs }: CircuitPeriod, y: number, x: (ms: number) => number): string {
  const { fill, text } = stateColours[state]
  // A trial takes a moment; it is drawn wide enough to be seen.
  const wide = Math.max(x(toMs) - x(fromMs), state === 'half-open' ? 2.5 : 0.75)
  const from = Math.min(x(fromMs), left + chart - wide)
  const words = wide > 66 ? [`<text x="${at(from + 8)}" y="${y + 15}" fill="${text}">${state}</text>`] : []
  return [
    `<g><title>${escaped(`${state}, ${shownMs(fromMs)} to ${shownMs(toMs)}`)}</title>`,
    `<rect x="${at(from)}" y="${y}" width="${at(wide)}" height="${barHeight}" fill="${fill}"/>`,
    ...words,
    '</g>',
  ].join('')
}

/** Failed tries that fall on the same few points are one dot, with their number in its title. */
function dots(failuresMs: readonly number[], y: number, x: (ms: number) => number): string[] {
  const places = new Map<number, { count: number; ms: number }>()
  for (const ms of failuresMs) {
    const place = Math.round(x(ms) / 3)
    const before = places.get(place)
    if (before) before.count++
    else places.set(place, { count: 1, ms })
  }
  return [...places].map(
    ([place, { count, ms }]) =>
      `<circle cx="${place * 3}" cy="${y}" r="2.6" fill="${failureColour}"><title>${counted(count, 'failed try', 'failed tries')} at ${shownMs(ms)}</title></circle>`,
  )
}

function span({ kind, target, fromMs, toMs, hits }: FaultSpan, y: number, x: (ms: number) => number): string {
  const from = x(fromMs)
  const wide = Math.max(2, x(toMs) - from)
  const words = cut(`${kind} ${target}`, 60)
  // Beside the span where it is too short for its name, on the side that has room.
  const inside = wide > words.length * 7 + 12
  const toLeft = !inside && from + wide + words.length * 7 > left + chart
  const textX = inside ? from + 6 : toLeft ? from - 6 : from + wide + 6
  return [
    `<g><title>${escaped(`${kind} ${target}, ${shownMs(fromMs)} to ${shownMs(toMs)}, ${counted(hits, 'hit')}`)}</title>`,
    `<rect x="${at(from)}" y="${y}" width="${at(wide)}" height="${faultHeight}" fill="${faultColours.fill}" stroke="${faultColours.line}" stroke-width="0.8"/>`,
    `<text x="${at(textX)}" y="${y + 12}" font-size="11" fill="${faultColours.text}"${toLeft ? ' text-anchor="end"' : ''}>${escaped(words)}</text></g>`,
  ].join('')
}

function axis(endMs: number, top: number, bottom: number, x: (ms: number) => number): string[] {
  return axisMarks(endMs).flatMap((ms) => [
    `<line x1="${at(x(ms))}" y1="${top}" x2="${at(x(ms))}" y2="${bottom + 2}" stroke="#e2e8f0"/>`,
    `<text x="${at(x(ms))}" y="${bottom + 18}" text-anchor="${ms === 0 ? 'start' : x(ms) > left + chart - 20 ? 'end' : 'middle'}" fill="${plainColours.smallText}">${shownMs(ms)}</text>`,
  ])
}

function legend(lives: readonly CircuitLife[]): string[] {
  const used = new Set(lives.flatMap(({ periods }) => periods.map(({ state }) => state)))
  const items: [words: string, sign: (x: number) => string][] = [
    ...(Object.keys(stateColours) as CircuitStateName[])
      .filter((state) => used.has(state))
      .map((state): [string, (x: number) => string] => [
        state,
        (x) => `<rect x="${x}" y="10" width="12" height="12" fill="${stateColours[state].fill}"/>`,
      ]),
    ['failed try', (x) => `<circle cx="${x + 6}" cy="16" r="2.6" fill="${failureColour}"/>`],
    [
      'fault',
      (x) =>
        `<rect x="${x}" y="10" width="12" height="12" fill="${faultColours.fill}" stroke="${faultColours.line}" stroke-width="0.8"/>`,
    ],
  ]
  let x = left
  return items.flatMap(([words, sign]) => {
    const drawn = [sign(x), label(x + 18, 20, words)]
    x += 18 + words.length * 7 + 18
    return drawn
  })
}

const at = (value: number) => Number(value.toFixed(1))

const label = (x: number, y: number, text: string) =>
  `<text x="${x}" y="${y}" fill="${plainColours.smallText}">${escaped(text)}</text>`
