/** The results as docs/performance.md. Ratios come first: absolute figures are those of one machine on one day. */
import { inProcessSection, peersSection } from './peers-page.mjs'
import { soakSection } from './soak-page.mjs'
import { counted, table } from './table.mjs'

const factor = (ratio) => (ratio >= 10 ? String(Math.round(ratio)) : ratio.toFixed(ratio < 0.1 ? 2 : 1))
const times = (ratio) => `×${factor(ratio)}`
const us = (value) => `${value >= 100 ? Math.round(value / 10) * 10 : Math.round(value)} µs`
const ms = (value) => `${value >= 10 ? Math.round(value) : value.toFixed(2)} ms`

const curveTable = (word, curves) =>
  table(
    [word, ...curves[0].points.map(({ count }) => counted(count)), 'growth'],
    curves.map(({ way, points, growth }) => [way, ...points.map((point) => us(point.us)), times(growth)]),
  )

/** Each section of the page: which results it needs, its title and its text. */
export const sections = {
  peers: peersSection,
  'in-process': inProcessSection,
  soak: soakSection,
  handlers: ({ handlers, services }) => {
    const last = ({ way }) => way === 'mesh, fetch'
    const many = handlers.find(last)
    return `## A call does not get dearer with the mesh

The last handler of a service answers \`{"ok":true}\` to \`GET /resources/r<n>/items/7\`. The mesh finds it by host, method and
path in an index and asks MSW about the candidates only; MSW alone asks one handler after the other. CPU time per call,
client and reading the body included:

${curveTable('handlers on one service', handlers)}

![CPU time of a call by the number of handlers](performance-handlers.svg)

\`growth\` is the last column against the first, measured in turns. With ${counted(many.points.at(-1).count)} handlers a \`fetch\` into the mesh takes
${factor(many.toPlainMsw.at(-1))} times as long as one that MSW's \`setupServer\` answers, with one handler ${factor(many.toPlainMsw[0])} times: the mesh is reached
through Node's real HTTP client and server, and a call is traced, passes policies and faults, and is written down.

The same with more services, ten handlers each, the last handler of the last service:

${curveTable('services', services)}`
  },
  lifecycle: (results) => `## Starting and stopping

What each test pays, against one \`http.createServer\` that listens and closes:

${table(
  ['', 'CPU time', 'ratio'],
  results.map(({ name, ms: time, ratio }) => [name, ms(time), times(ratio)]),
)}

In process the price is mostly that of the hooks on Node's network modules, put in and taken out once for all services. The
default is both: in process, and an address for each edge of the services under test; \`listen: false\` leaves those out.`,
  throughput: (results) => `## Calls per second

Fifty services of three instances each, fifty calls at once, Node's own HTTP client with keep-alive in the same process: the
client's work is in all figures. Calls per second of one processor; \`ratio\` is the time of a call against the bare servers.

${table(
  ['', 'calls/s', 'ratio'],
  results.map(({ name, perSecond, ratio }) => [name, counted(perSecond), times(ratio)]),
)}`,
  jest: (results) => `## What a Jest test file pays

A CommonJS test file, twenty of them in a run, against the same file in Jest's environment for Node. Neither MSW nor
OpenTelemetry nor the engine is loaded inside of the sandbox: \`meshwright\` there is a door to what the environment holds
outside, loaded when the first file of a worker asks for it and shared by all files after it.

${table(
  ['', 'modules in the sandbox', 'first file of a worker', 'each further file'],
  results.map(({ name, modules, addedFirstMs, addedMs }) => [name, modules, added(addedFirstMs), added(addedMs)]),
)}

The modules are the test file itself and ${results
    .find(({ loaded }) => loaded.length > 0)
    .loaded.map((path) => `\`${path.replace('/dist/cjs/', '')}\``)
    .join(', ')}.`,
  tracing: ({ spansMs, callMs, share }) => `## Tracing

While a call is under way, a CLIENT and a SERVER span (their ids and headers, and the notes in the journal) take ${us(spansMs * 1000)} of CPU time: ${Math.round(share * 100)} % of a
\`mesh.call\` that takes ${us(callMs * 1000)}. The spans of OpenTelemetry are made when the journal is read, which is not in this figure. Against a service that answers in 5 ms that is ${((spansMs / 5) * 100).toFixed(1)} % of a request.`,
  simulation: ({ minutes, seconds, checkouts, calls, bytesPerCall, isSame, memory }) => `## Virtual time

${minutes} minutes with half an hour of outage and a checkout every second (${counted(checkouts)} requests of the code under test,
${counted(calls)} calls in the mesh, retries and the circuit breaker at work) take ${seconds.toFixed(1)} s of real time: ${counted((minutes * 60) / seconds)} times as
fast, ${us((seconds / calls) * 1e6)} for each call.${isSame ? ' Each repetition gave the same journal, byte for byte.' : ''}

## What is kept

The journal of that scenario takes ${counted(bytesPerCall)} bytes for each call as JSON lines. In memory a call leaves
${counted(Math.max(...memory.heapBytesPerCall))} bytes behind, its journal included, and the ${counted(memory.calls)}th no more than the first: ${memory.heapBytesPerCall.map(counted).join(', ')}
bytes for a call of each quarter.`,
  delays: ({ waits, idleCpu, listener }) => `## Precise delays

Delays of 5 to 50 ms, in a process that does nothing else. \`error\` is the distance from what was asked for, \`processor\` the
share of one processor:

${table(
  ['', 'delays/s', 'within 1 ms', 'early', 'median error', 'p99', 'worst', 'processor'],
  waits.map(({ way, perSecond, within, early, p50, p99, worst, cpu }) => [
    way,
    counted(perSecond),
    percent(within),
    percent(early),
    `${p50.toFixed(3)} ms`,
    `${p99.toFixed(2)} ms`,
    `${worst.toFixed(1)} ms`,
    `${Math.round(cpu * 100)} %`,
  ]),
)}

While a long delay is under way the process takes ${percent(idleCpu)} of a processor: only the last one or two milliseconds are
turns of the event loop. Under load, a thousand requests a second over sockets from another process, \`mesh.fidelity()\` finds
${percent(listener.withinOneMs)} of ${counted(listener.waits)} response times within 1 ms of what was drawn, none early: p99 ${listener.p99LateMs.toFixed(2)} ms, worst ${listener.maxLateMs.toFixed(1)} ms late.`,
}

// Rounded down: 100 % is said of all only.
const percent = (share) => `${Math.floor(share * 1000) / 10} %`

const added = (value) => `${value < 0 ? '−' : '+'}${Math.abs(Math.round(value))} ms`

export const page = (parts, { processors, node }) => `# Performance

Written by \`npm run bench -- --write\`; do not edit. Measured on a machine with ${processors} processors, Node ${node}, with other
programs running. Read the ratios: all that is compared took turns in the same process or in the same minute, and a ratio is
the median over the rounds. The times are those of one machine and promise nothing for yours.

${parts.join('\n\n')}
`
