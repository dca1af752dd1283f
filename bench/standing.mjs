/** Where Meshwright stands among the others, by figures: nobody has to remember to say what got worse. */
import { counted, megabytes, ms } from './table.mjs'

export const us = 'meshwright'
export const floor = 'bare'
export const find = (rows, id) => rows?.find((row) => row.id === id)

/** Why somebody else may be ahead of us, by scenario. */
const reasons = {
  work: 'A call of ours passes the policies and faults of its edge, becomes two spans and is written down from its start to its end; the others write down the request.',
  cold: 'Short runs end before the compiler has seen the code often enough; what a call does more costs most then.',
  miss: 'Each miss of ours is compared with all routes, for the error that names the nearest ones.',
  echo: 'The handler is MSW’s, with the `Request` and `Response` objects that it takes; templates need none.',
  delay: '',
  start: 'The process loads OpenTelemetry and MSW, and a mesh is more than a table of stubs.',
  reset: 'A mesh is stopped and another one started, ports included; the others keep theirs.',
  memory: 'The journal knows more of each call.',
}

/** Every scenario as one figure for each peer; `isMore`: more is better. */
function contests(results) {
  const { one, cold, among, miss, echo, open, delayed, start, reset, delay } = results
  const by = (rows, pick) => rows?.map((row) => ({ id: row.id, name: row.name, value: pick(row) }))
  const calls = ({ perSecond }) => perSecond
  const late = ({ p50 }) => Math.max(0, p50 - delay.delayMs)
  const perSecond = (value) => `${counted(value)}/s`
  return [
    { what: 'one stub, cold', rows: by(cold, calls), isMore: true, show: perSecond, why: reasons.cold },
    { what: 'one stub, warm', rows: by(one, calls), isMore: true, show: perSecond, why: reasons.work },
    ...among.map(({ count, rows }) => ({
      what: `the last of ${counted(count)} stubs`,
      rows: by(rows, calls),
      isMore: true,
      show: perSecond,
      why: reasons.work,
    })),
    { what: 'a miss', rows: by(miss, calls), isMore: true, show: perSecond, why: reasons.miss },
    { what: 'a computed reply', rows: by(echo, calls), isMore: true, show: perSecond, why: reasons.echo },
    ...open.map(({ rate: wanted, rows }) => ({
      what: `p99 of fifty services at ${counted(wanted)}/s`,
      rows: by(rows, ({ p99 }) => p99),
      show: ms,
      why: reasons.work,
    })),
    { what: 'delays, calls', rows: by(delayed, calls), isMore: true, show: perSecond, why: reasons.delay },
    { what: 'delays, p50 late by', rows: by(delayed, late), show: ms, why: reasons.delay },
    { what: 'start', rows: by(start, ({ ms1 }) => ms1), show: ms, why: reasons.start },
    { what: 'start with fifty services', rows: by(start, ({ ms50 }) => ms50), show: ms, why: reasons.start },
    ...reset.map(({ count, rows }) => ({
      what: `reset of ${count === 1 ? 'one service' : `${counted(count)} services`}`,
      rows: by(rows, ({ ms: value }) => value),
      show: ms,
      why: reasons.reset,
    })),
    { what: 'memory at rest', rows: by(start, ({ rss1 }) => rss1), show: megabytes, why: reasons.start },
    { what: 'memory after one stub', rows: by(one, ({ rssMB }) => rssMB), show: megabytes, why: reasons.memory },
  ].filter(({ rows }) => rows && find(rows, us))
}

/** Within this much, nobody is ahead: rounds of the same server differ as much. */
const close = 0.05

function standing(results) {
  const ahead = []
  const behind = []
  for (const { what, rows, isMore = false, show, why } of contests(results)) {
    const own = find(rows, us).value
    const others = rows.filter(({ id, value }) => id !== us && id !== floor && Number.isFinite(value))
    if (others.length === 0 || !Number.isFinite(own)) continue
    const better = others
      .filter(({ value }) => (isMore ? value > own * (1 + close) : value < own * (1 - close)))
      .toSorted((a, b) => (isMore ? b.value - a.value : a.value - b.value))
    if (better.length === 0) ahead.push(what)
    else
      behind.push(
        `- **${what}**: ${show(own)}, against ${better.map(({ name, value }) => `${show(value)} of ${name}`).join(', ')}.${why && ` ${why}`}`,
      )
  }
  return { ahead, behind }
}

export function standingText(results) {
  const { ahead, behind } = standing(results)
  if (ahead.length + behind.length === 0) return ''
  const won =
    ahead.length > 0
      ? `Meshwright is first, or within ${close * 100} % of it, in: ${ahead.join('; ')}.`
      : 'Meshwright is first in nothing of this.'
  return `### Where it stands

${won}${behind.length > 0 ? `\n\nIt is behind in:\n\n${behind.join('\n')}` : ''}`
}
