import { circuitTimelineSvg } from './circuit-timeline-svg.ts'
import { connectionTable } from './connection-table.ts'
import { edgeTable } from './edge-table.ts'
import { faultSpans } from './fault-span.ts'
import { htmlJournal } from './html-journal.ts'
import { reportScript, reportStyle } from './html-style.ts'
import { journalTime, shownMs } from './journal-time.ts'
import type { JournalTime } from './journal-time.ts'
import { counted, cut, escaped, escapedLines } from './markup.ts'
import type { Reported } from './reported.ts'
import { slowestTrace } from './slowest-trace.ts'
import { standing } from './standing.ts'

const maxTraces = 20
const maxSpans = 100
const maxRows = 200

/**
 * What happened in a mesh as one HTML file that needs nothing else: the graph coloured by how it stands, circuits over
 * time, edges, faults, problems, traces and the journal. Loads nothing (a Content-Security-Policy in it forbids that), everything
 * is escaped, and it follows the reader's light or dark theme. Bounded: 20 traces of 100 spans, 200 rows a table, 1,500
 * entries of the journal; what is left out is counted.
 *
 * @example
 * writeFileSync('report.html', htmlReport(mesh))
 */
export function htmlReport(mesh: Reported): string {
  const { journal } = mesh
  const time = journalTime(journal)
  const title = escaped(cut(mesh.name, 200))
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">`,
    '<meta name="color-scheme" content="light dark">',
    `<title>${title} · mesh report</title>`,
    reportStyle,
    '</head>',
    '<body>',
    `<header><h1>${title}</h1>`,
    head(mesh, time),
    '</header>',
    '<main>',
    problems(mesh.problems),
    figure('Services', mesh.graph.toSvg(standing(mesh))),
    figure('Circuits', circuitTimelineSvg(mesh)),
    edges(mesh),
    connections(mesh),
    faults(mesh, time),
    traces(mesh),
    htmlJournal(journal),
    '</main>',
    reportScript,
    '</body>',
    '</html>\n',
  ].join('\n')
}

function head(mesh: Reported, time: JournalTime): string {
  const { seed, journal } = mesh
  const { chance } = mesh.facts()
  const facts: [string, string][] = [
    ['Seed', `<code>${escaped(seed)}</code>`],
    [
      'Replay',
      chance
        ? `<code>MESHWRIGHT_SEED=${escaped(seed)}</code>`
        : 'chance took no part: every run takes the same decisions',
    ],
    ['Journal', `${counted(journal.entries.length, 'entry', 'entries')} in ${shownMs(time.endMs)}`],
    ['Hash', `<code>${escaped(journal.hash())}</code>`],
  ]
  return `<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`
}

const figure = (title: string, svg: string) =>
  `<section><h2>${title}</h2><div class="figure wide">${svg}</div></section>`

function problems(all: readonly Error[]): string {
  if (all.length === 0) return ''
  const shown = all.slice(0, maxRows).map(({ message }) => `<pre>${escapedLines(cut(message, 4_000))}</pre>`)
  return `<section class="problems"><h2>Problems</h2>${shown.join('')}${rest(all.length - maxRows)}</section>`
}

function edges(mesh: Reported): string {
  const rows = edgeTable(mesh)
  const ms = (value: number | undefined) => (value === undefined ? '–' : escaped(shownMs(value)))
  const number = (value: number, isBad = false) => `<td class="n${isBad && value > 0 ? ' bad' : ''}">${value}</td>`
  const lines = rows
    .slice(0, maxRows)
    .map(
      ({ edge, status, calls, attempts, failures, fallbacks, medianMs, maxMs }) =>
        `<tr${calls === 0 ? ' class="quiet"' : ''}><td>${escaped(edge)}</td><td>${status ? `<span class="chip ${status}">${status}</span>` : '–'}</td>${number(calls)}${number(attempts)}${number(failures, true)}${number(fallbacks)}<td class="n">${ms(medianMs)}</td><td class="n">${ms(maxMs)}</td></tr>`,
    )
  return table(
    'Edges',
    ['Edge', 'Standing', '#Calls', '#Tries', '#Failed', '#Fallbacks', '#Median', '#Max'],
    lines,
    rows.length,
  )
}

function connections(mesh: Reported): string {
  const rows = connectionTable(mesh)
  if (rows.length === 0) return ''
  const lines = rows.slice(0, maxRows).map(({ edge, opened, open, bytesSent, bytesReceived, endings }) => {
    const numbers = [opened, open, bytesSent, bytesReceived].map((value) => `<td class="n">${value}</td>`).join('')
    return `<tr${opened === 0 ? ' class="quiet"' : ''}><td>${escaped(edge)}</td>${numbers}<td>${escaped(endings) || '–'}</td></tr>`
  })
  return table(
    'Connections',
    ['Edge', '#Opened', '#Open', '#Bytes sent', '#Bytes received', 'Endings'],
    lines,
    rows.length,
  )
}

function faults({ journal }: Reported, time: JournalTime): string {
  const spans = faultSpans(journal, time)
  if (spans.length === 0) return ''
  const rows = spans.slice(0, maxRows).map(({ kind, target, options, fromMs, toMs, ended, hits }) => {
    const words = Object.entries(options).map(([name, value]) => `${name} ${cut(JSON.stringify(value) ?? '', 80)}`)
    return `<tr><td>${escaped(kind)}</td><td>${escaped(target)}</td><td>${escaped(words.join(', ')) || '–'}</td><td class="n">${shownMs(fromMs)}</td><td class="n">${shownMs(toMs)}</td><td>${escaped(ended ?? 'still there')}</td><td class="n">${hits}</td></tr>`
  })
  return table('Faults', ['Fault', 'Target', 'Options', '#From', '#To', 'Ended', '#Hits'], rows, spans.length)
}

/** The slowest trace in the open, all others on demand. */
function traces(mesh: Reported): string {
  const slowest = slowestTrace(mesh.journal)
  if (slowest === undefined) return ''
  const all = mesh.traces.toHtml(undefined, { maxTraces, maxSpans })
  return [
    `<section><h2>Slowest trace</h2><div class="wide">${mesh.traces.toHtml(slowest, { maxSpans })}`,
    `<details><summary>All traces</summary>${all}</details></div></section>`,
  ].join('')
}

/** Headings that begin with `#` stand over numbers. */
function table(title: string, headings: readonly string[], rows: readonly string[], all: number): string {
  const cells = headings.map((text) =>
    text.startsWith('#') ? `<th class="n">${text.slice(1)}</th>` : `<th>${text}</th>`,
  )
  return `<section><h2>${title}</h2><div class="wide"><table><thead><tr>${cells.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>${rest(all - rows.length)}</section>`
}

const rest = (left: number) => (left > 0 ? `<p class="rest">... and ${left.toLocaleString('en-US')} more</p>` : '')
