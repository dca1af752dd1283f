import { counted } from '../src/verdict/evidence.ts'
import type { RetriedExpectation } from '../src/verdict/retried.ts'
import { backoffText, retried } from '../src/verdict/retried.ts'
import type { Rule } from './expected.ts'
import { check, integer, milliseconds } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { EdgeSubject } from './subjects.ts'

const backoffRule: Rule = {
  text: '{ minMs, maxMs } or a list of milliseconds',
  holds: (value) =>
    Array.isArray(value)
      ? value.length > 0 && value.every(milliseconds.holds)
      : typeof value === 'object' &&
        value !== null &&
        Object.keys(value).length > 0 &&
        Object.entries(value).every(([key, ms]) => /^(minMs|maxMs)$/.test(key) && milliseconds.holds(ms)),
}

export function toHaveRetried(
  this: MatcherState,
  received: EdgeSubject,
  expected: RetriedExpectation = {},
): MatcherResult {
  check('toHaveRetried', expected, { attempts: integer(0), backoff: backoffRule })
  const { attempts, backoff } = expected
  return judge(this, received, {
    name: 'toHaveRetried',
    on: 'edge',
    args: Object.keys(expected).length > 0 ? [expected] : [],
    verdict: (edge) => retried(edge, expected),
    wanted: (not) =>
      [
        attempts === undefined
          ? `${not ? 'no ' : ''}retries`
          : `${not ? `a number of retries other than ${attempts}` : counted(attempts, 'retry', 'retries')} after the first try`,
        ...(backoff === undefined ? [] : [`with waits of ${backoffText(backoff)}`]),
      ].join(' '),
  })
}
