import { circuitTimelineText } from './circuit-timeline-text.ts'
import { connectionTable } from './connection-table.ts'
import { edgeTable } from './edge-table.ts'
import { journalTime, shownMs } from './journal-time.ts'
import { counted, cut, oneLine } from './markup.ts'
import type { Reported } from './reported.ts'
import { slowestTrace } from './slowest-trace.ts'

const maxEdges = 40
const maxServices = 60
const maxProblems = 10

/**
 * What happened in a mesh, for a terminal: its graph in order of dependency, what went over each edge, the circuits over
 * time, the slowest trace, how precise simulated delays were, and problems. Bounded: 60 services, 40 edges, 10 problems; the
 * rest is counted.
 *
 * @example
 * console.log(textReport(mesh))
 */
export function textReport(mesh: Reported): string {
  const { journal, problems } = mesh
  const { chance } = mesh.facts()
  const size = `${counted(journal.entries.length, 'entry', 'entries')} in ${shownMs(journalTime(journal).endMs)}`
  const replay = chance ? `, replay with MESHWRIGHT_SEED=${oneLine(mesh.seed)}` : ''
  const slowest = slowestTrace(journal)
  const fidelity = mesh.fidelity?.()
  return [
    section(`mesh ${oneLine(mesh.name)}`, `${size}, journal ${journal.hash().slice(0, 16)}${replay}`),
    section('services, dependencies first', order(mesh)),
    section('edges', edges(mesh)),
    ...connections(mesh),
    section('circuits', circuitTimelineText(mesh)),
    section('slowest trace', slowest === undefined ? 'no spans' : mesh.traces.toText(slowest, { maxSpans: 40 })),
    ...(fidelity && fidelity.waits > 0 ? [section('precision', `  ${fidelity}`)] : []),
    ...(problems.length > 0 ? [section('problems', problemLines(problems))] : []),
  ].join('\n\n')
}

const section = (title: string, text: string) => `== ${title}\n${text}`

function order({ graph }: Reported): string {
  const all = graph.order()
  const lines = all.slice(0, maxServices).map((service) => {
    const callees = graph.edges.filter(({ caller }) => caller === service).map(({ callee }) => callee)
    return `  ${oneLine(service)}${callees.length > 0 ? ` -> ${cut(callees.map(oneLine).join(', '), 100)}` : ''}`
  })
  return [...lines, ...more(all.length - maxServices, 'service')].join('\n')
}

function edges(mesh: Reported): string {
  const all = edgeTable(mesh)
  const ms = (value: number | undefined) => (value === undefined ? '-' : shownMs(value))
  const table = [
    ['edge', 'standing', 'calls', 'tries', 'failed', 'fallbacks', 'median', 'max'],
    ...all
      .slice(0, maxEdges)
      .map(({ edge, status, calls, attempts, failures, fallbacks, medianMs, maxMs }) => [
        cut(oneLine(edge), 48),
        status ?? '-',
        ...[calls, attempts, failures, fallbacks].map(String),
        ms(medianMs),
        ms(maxMs),
      ]),
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  // Words to the left, numbers to the right.
  const lines = table.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  )
  return [...lines.map((line) => `  ${line}`), ...more(all.length - maxEdges, 'edge')].join('\n')
}

function connections(mesh: Reported): string[] {
  const rows = connectionTable(mesh)
  if (rows.length === 0) return []
  const lines = rows.slice(0, maxEdges).map(({ edge, opened, open, bytesSent, bytesReceived, endings }) => {
    const facts = [counted(opened, 'connection'), ...(open > 0 ? [`${open} open`] : []), ...(endings ? [endings] : [])]
    const bytes = `${counted(bytesSent, 'byte')} sent, ${counted(bytesReceived, 'byte')} received`
    return `  ${cut(oneLine(edge), 48)}: ${[...facts, ...(opened > open ? [bytes] : [])].join(', ')}`
  })
  return [section('connections', [...lines, ...more(rows.length - maxEdges, 'edge')].join('\n'))]
}

const problemLines = (problems: readonly Error[]) =>
  [
    ...problems.slice(0, maxProblems).map(({ message }) => `  ${message.split('\n').map(oneLine).join('\n  ')}`),
    ...more(problems.length - maxProblems, 'problem'),
  ].join('\n')

const more = (left: number, what: string) => (left > 0 ? [`  ... and ${counted(left, `more ${what}`)}`] : [])
