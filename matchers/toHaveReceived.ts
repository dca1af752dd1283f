import { times } from '../src/verdict/evidence.ts'
import type { ReceivedExpectation } from '../src/verdict/received.ts'
import { received as receivedOn } from '../src/verdict/received.ts'
import { check, checkValue, integer, subsetOrPredicate, text } from './expected.ts'
import { inline } from './inline.ts'
import type { MatcherResult, MatcherState } from './matcher.ts'
import { judge } from './matcher.ts'
import type { ServiceSubject } from './subjects.ts'

export function toHaveReceived(
  this: MatcherState,
  received: ServiceSubject,
  route: string,
  expected: ReceivedExpectation = {},
): MatcherResult {
  checkValue('toHaveReceived', 'the route', route, text)
  check('toHaveReceived', expected, { times: integer(0), matching: subsetOrPredicate })
  const { times: wanted, matching } = expected
  return judge(this, received, {
    name: 'toHaveReceived',
    on: 'service',
    args: Object.keys(expected).length > 0 ? [route, expected] : [route],
    verdict: (service) => receivedOn(service, route, expected),
    wanted: (not) =>
      [
        `the service ${not}to receive ${route}`,
        ...(matching === undefined ? [] : [`matching ${inline(matching)}`]),
        ...(wanted === undefined ? [] : [times(wanted)]),
      ].join(' '),
  })
}
