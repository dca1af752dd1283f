/** What the soak says on the page. */
import { counted, table } from './table.mjs'

const ms = (value) => `${value.toFixed(2)} ms`

export function soakSection({
  minutes,
  rate,
  connections,
  percent,
  requests,
  checks,
  mesh,
  bare,
  added,
  p99s,
  megabytesPerSecond,
}) {
  const growth = Number.isFinite(megabytesPerSecond)
    ? ` In the second half the process grew by ${(megabytesPerSecond * 60).toFixed(1)} MB a minute.`
    : ''
  return `## For a while

Fifty services on listeners, ${connections} connections, ${counted(rate)} requests per second for ${minutes} minutes (${counted(requests)} requests), each at its moment;
faults answer ${percent} % of them with 503.

${table(
  ['', 'holds', 'found'],
  checks.map(({ what, isMet, figures }) => [what, isMet === undefined ? '–' : isMet ? 'yes' : '**no**', figures]),
)}

${table(
  ['', 'p50', 'p99'],
  [
    ['fifty bare servers', ms(bare.p50), ms(bare.p99)],
    ['fifty services of a mesh', ms(mesh.p50), ms(mesh.p99)],
    ['what the mesh adds', ms(added.p50), ms(added.p99)],
  ],
)}

The p99 of each fifth of the time: ${p99s.map(ms).join(', ')}.${growth}`
}
