/** What the comparison with other mock servers says on the page, and its chart. */
import { find, floor, standingText, us } from './standing.mjs'
import { counted, megabytes, ms, table } from './table.mjs'

const share = (ratio) =>
  ratio === undefined ? '–' : `${ratio >= 0.1 ? Math.round(ratio * 100) : (ratio * 100).toFixed(1)} %`
/** A generator that had no room to spare has found a lower bound only. */
const rate = ({ perSecond, hadRoom }) => `${hadRoom ? '' : '≥ '}${counted(perSecond)}`
const bold = ({ id, name }) => (id === us ? `**${name}**` : name)

function oneTable({ one, cold }) {
  if (!one) return ''
  return `### One stub, one service

32 connections, each asking again when it has its answer. *Cold* are the first three seconds after the first reply, which is
where a test suite lives; *warm* comes after 20 s of load for the Java servers and 3 s for the others.

${table(
  ['', 'cold, calls/s', 'cold p99', 'warm, calls/s', 'of bare', 'least to most', 'p50', 'p99', 'CPU per call'],
  one.map((row) => {
    const first = find(cold, row.id)
    return [
      bold(row),
      first ? rate(first) : '–',
      first ? ms(first.p99) : '–',
      rate(row),
      share(row.ofBare),
      `${counted(row.least)} – ${counted(row.most)}`,
      ms(row.p50),
      ms(row.p99),
      `${Math.round(row.serverCpuUs)} µs`,
    ]
  }),
)}`
}

function amongTable({ one, among, miss }) {
  const columns = [...(one ? [{ count: 1, rows: one }] : []), ...among]
  if (among.length === 0 && !miss) return ''
  const rows = columns[0]?.rows ?? miss
  const most = among.at(-1)?.count ?? 1_000
  return `### Among many stubs

Calls per second for the last of as many stubs on one service, and for a path that none of ${counted(most)} takes:

${table(
  ['', ...columns.map(({ count }) => counted(count)), ...(miss ? ['a miss'] : [])],
  rows.map((row) => [
    bold(row),
    ...columns.map(({ rows: own }) => (find(own, row.id) ? rate(find(own, row.id)) : '–')),
    ...(miss ? [find(miss, row.id) ? rate(find(miss, row.id)) : '–'] : []),
  ]),
)}

A miss is the mistake of a test's author. WireMock writes a table of the nearest stub, Meshwright an error that names the
nearest routes and fails the test; the others answer 404 and say no more.`
}

const echoTable = ({ echo }) =>
  echo
    ? `### A computed reply

\`GET /items/7\` is answered with \`{"id":"7"}\`: an MSW handler in Meshwright and in MSW, a template in WireMock (Handlebars),
MockServer (Mustache) and Mockoon (Handlebars), a \`copy\` in Mountebank, a regular expression in bare Node.

${table(
  ['', 'calls/s', 'of bare', 'p50', 'p99', 'CPU per call'],
  echo.map((row) => [
    bold(row),
    rate(row),
    share(row.ofBare),
    ms(row.p50),
    ms(row.p99),
    `${Math.round(row.serverCpuUs)} µs`,
  ]),
)}`
    : ''

const openTables = ({ open }) =>
  open.length > 0
    ? `### Fifty services

Fifty services in one process, 100 connections, so many requests per second in total, each at its moment: a request's time
counts from when it was due, whether or not the server was ready for it. What had no answer at the end counts with the time
that it had waited by then.

${open
  .map(
    ({ rate: wanted, rows }) =>
      `${table(
        [`${counted(wanted)} per second`, 'reached', 'p50', 'p99', 'p99.9', 'errors', 'CPU per call'],
        rows.map((row) => [
          bold(row),
          counted(row.perSecond),
          ms(row.p50),
          // A generator that sent late has made these times longer than they were.
          `${row.hadRoom ? '' : '≤ '}${ms(row.p99)}`,
          `${row.hadRoom ? '' : '≤ '}${ms(row.p999)}`,
          row.bad === 0 ? '0' : `${counted(row.bad)} of ${counted(row.asked)}`,
          `${Math.round(row.serverCpuUs)} µs`,
        ]),
      )}`,
  )
  .join('\n\n')}`
    : ''

function delayTable({ delayed, delay }) {
  if (!delayed) return ''
  const ideal = (delay.atOnce * 1_000) / delay.delayMs
  return `### Delays

Each reply takes ${delay.delayMs} ms, ${delay.atOnce} connections ask at once: ${counted(ideal)} calls per second would be ideal, and a wait costs no work.
The end of the measurement cuts off the last wait of each connection, for all alike.

${table(
  ['', 'calls/s', 'of bare', 'p50 is late by', 'p99 is late by', 'errors'],
  delayed.map((row) => [
    bold(row),
    rate(row),
    share(row.ofBare),
    ms(row.p50 - delay.delayMs),
    ms(row.p99 - delay.delayMs),
    counted(row.bad),
  ]),
)}`
}

function lifeTable({ start, reset, one, open }) {
  if (!start) return ''
  const resetOf = (count, id) => find(reset.find((one) => one.count === count)?.rows, id)?.ms
  const busiest = open.at(-1)
  return `### Start, reset, memory

From the start of the process to its first reply, with its stubs; from one test to the next, a clean state with the same
stubs up to the first reply (Meshwright: \`mesh.stop()\` and a new mesh); memory of the process at rest, and at most after the
scenarios above.

${table(
  [
    '',
    'start',
    'start, 50 services',
    'reset',
    'reset, 50 services',
    'at rest',
    '50 services',
    'one stub, loaded',
    ...(busiest ? [`50 services, ${counted(busiest.rate)}/s`] : []),
  ],
  start.map((row) => [
    bold(row),
    ms(row.ms1),
    ms(row.ms50),
    ms(resetOf(1, row.id)),
    ms(resetOf(50, row.id)),
    megabytes(row.rss1),
    megabytes(row.rss50),
    megabytes(find(one, row.id)?.rssMB),
    ...(busiest ? [megabytes(find(busiest.rows, row.id)?.rssMB)] : []),
  ]),
)}

Java has a heap of 512 MB in all of this. Mockoon takes other stubs only at its start, so its reset is a new process. Bare
Node keeps nothing that would have to be reset.`
}

function intro({ machine, leftOut, notes, one }) {
  const { processors, gigabytes, node, java, isPinned, generator } = machine
  const elsewhere = one && Math.max(...one.map((row) => row.elsewhere).filter(Number.isFinite))
  const absent =
    leftOut.length > 0 ? `\n\nLeft out here: ${leftOut.map(({ name, why }) => `${name} (${why})`).join('; ')}.` : ''
  return `${processors} processors, ${gigabytes} GB, Node ${node}${java ? `, Java ${java}` : ''}. ${isPinned ? 'The server has one processor to itself, the load another.' : 'Server and load share the processors: nothing could be pinned.'} Load comes from ${generator === 'wrk' ? 'wrk (as many calls as a server can take) and from ' : ''}a
generator of our own${generator === 'wrk' ? ' (so many per second)' : ''}. All servers run in turns, in another
order each round, the others halted meanwhile; figures are medians. Same requests, same replies; what each writes down of
requests is on in all of them, and gone before each turn. One processor is what a Node process can use: given more, the
Java servers grow and a mesh does not.${Number.isFinite(elsewhere) && elsewhere > 0.1 ? ` Other programs took ${elsewhere.toFixed(1)} processors meanwhile, which all suffer from.` : ''}

${notes.map(({ name, note }) => `- ${name}: ${note}`).join('\n')}${absent}`
}

export const peersSection = (results) =>
  [
    '## Beside other mock servers',
    intro(results),
    '![Calls per second as a share of bare node:http](performance-peers.svg)',
    oneTable(results),
    amongTable(results),
    echoTable(results),
    openTables(results),
    delayTable(results),
    lifeTable(results),
    standingText(results),
  ]
    .filter(Boolean)
    .join('\n\n')

/** Calls per second as shares of what bare `node:http` does in the same round. */
export function peersChart({ one, among, echo }) {
  const groups = [
    { name: 'One stub', rows: one },
    ...among.slice(-1).map(({ count, rows }) => ({ name: `The last of ${counted(count)} stubs`, rows })),
    { name: 'A computed reply', rows: echo },
  ].filter(({ rows }) => rows)
  return {
    title: 'Calls per second, as a share of bare node:http',
    groups: groups.map(({ name, rows }) => ({
      name,
      bars: rows
        .filter(({ id }) => id !== floor)
        .map((row) => ({ name: row.name, value: row.ofBare, label: share(row.ofBare), isOurs: row.id === us })),
    })),
  }
}

export function inProcessSection(results) {
  const micros = (value) => `${value >= 100 ? Math.round(value / 10) * 10 : Math.round(value)} µs`
  const times = (ratio) => `×${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}`
  return `## In process, beside MSW

\`fetch\`, fifty at once, answered without leaving the process, and by bare servers in the same process: CPU time per call, the
client included. \`ratio\` is to MSW's \`setupServer\`, in the same round.

${table(
  ['', 'one service', 'ratio', 'fifty services', 'ratio'],
  results.map(({ way, us: [one, fifty], toMsw: [oneRatio, fiftyRatio] }) => [
    way,
    micros(one),
    times(oneRatio),
    micros(fifty),
    times(fiftyRatio),
  ]),
)}

MSW patches \`fetch\` and answers at once; a mesh lets the client's request go through Node's HTTP client to a server in the
same process, so that the code under test meets what it meets in production: agents, keep-alive, connections that break.`
}
