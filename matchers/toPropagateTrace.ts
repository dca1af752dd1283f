import type { PropagatedTraceOptions } from '../src/verdict/propagated-trace.ts'
import { propagatedTrace } from '../src/verdict/propagated-trace.ts'
import type { Rule } from './expected.ts'
import { check, nameList, text } from './expected.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { MeshSubject } from './subjects.ts'

const formats: Rule = {
  text: "a list of 'w3c'",
  holds: (value) => Array.isArray(value) && value.length > 0 && value.every((format) => format === 'w3c'),
}

export function toPropagateTrace(
  this: MatcherState,
  received: MeshSubject,
  expected: PropagatedTraceOptions = {},
): MatcherResult {
  check('toPropagateTrace', expected, { through: nameList, traceparent: text, formats })
  const { through, traceparent } = expected
  return judge(this, received, {
    name: 'toPropagateTrace',
    on: 'mesh',
    args: Object.keys(expected).length > 0 ? [expected] : [],
    verdict: (mesh) => propagatedTrace(mesh, expected),
    wanted: (not) =>
      `${traceparent === undefined ? 'the trace' : `trace ${traceparent}`} ${not}to be propagated${through ? ` through ${through.join(', ')}` : ''}`,
  })
}
