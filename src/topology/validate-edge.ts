import { MeshError } from '../errors.ts'
import { replySpec, status } from './validate-reply.ts'
import {
  boolean,
  integer,
  isPlainObject,
  kinds,
  listOf,
  number,
  oneOf,
  options,
  pathOf,
  refuseUnknown,
  unexpected,
  type Check,
} from './checks.ts'

const conditions = ['network', 'timeout', '5xx', 'gateway-error'] as const
const conditionWord = oneOf(...conditions)

const condition: Check = (value, place) => (typeof value === 'number' ? status : conditionWord)(value, place)
const failureConditions = listOf(condition, `failure conditions (${conditions.join(', ')} or a status)`)

const jitter = oneOf('none', 'full', 'equal')

const backoffKind = kinds(
  {
    constant: { ms: number({ atLeast: 0 }), jitter },
    exponential: {
      initialMs: number({ above: 0 }),
      factor: number({ atLeast: 1 }),
      maxMs: number({ above: 0 }),
      jitter,
    },
  },
  { optional: ['factor', 'maxMs', 'jitter'], fix: "For the same wait each time write { kind: 'constant', ms: 100 }." },
)

const backoff: Check = (value, place) => {
  backoffKind(value, place)
  const { initialMs, maxMs } = value as { initialMs?: number; maxMs?: number }
  if (initialMs !== undefined && maxMs !== undefined && maxMs < initialMs)
    throw unexpected({ owner: pathOf(place), key: 'maxMs' }, `a number >= initialMs (${initialMs})`, maxMs)
}

const retry = options(
  {
    attempts: integer({ atLeast: 0, atMost: 100 }),
    backoff,
    on: failureConditions,
    honourRetryAfter: boolean,
  },
  { required: ['attempts'], fix: 'Write retry: { attempts: 2 }, the number of retries after the first try.' },
)

const breakerCommon = {
  openMs: number({ above: 0 }),
  halfOpenCalls: integer({ atLeast: 1 }),
  failOn: failureConditions,
}
// Open on *more than* this share, so that 1 could never be exceeded.
const failureRatio = number({ above: 0, below: 1 })
const minimumCalls = integer({ atLeast: 1 })

const breakerTriggers = {
  consecutive: options(
    { consecutiveFailures: integer({ atLeast: 1 }), ...breakerCommon },
    { required: ['consecutiveFailures', 'openMs'] },
  ),
  overCalls: options(
    { failureRatio, overCalls: integer({ atLeast: 1 }), minimumCalls, ...breakerCommon },
    { required: ['failureRatio', 'overCalls', 'openMs'] },
  ),
  overMs: options(
    { failureRatio, overMs: number({ above: 0 }), minimumCalls, ...breakerCommon },
    { required: ['failureRatio', 'overMs', 'openMs'] },
  ),
}
const ratioOptions = ['failureRatio', 'overCalls', 'overMs', 'minimumCalls']
const breakerOptions = ['consecutiveFailures', ...ratioOptions, ...Object.keys(breakerCommon)]
const breakerFix =
  'Write { consecutiveFailures, openMs }, { failureRatio, overCalls, openMs } or { failureRatio, overMs, openMs }.'

const circuitBreaker: Check = (value, place) => {
  if (!isPlainObject(value)) throw unexpected(place, 'a plain object', value, { fix: breakerFix })
  refuseUnknown(value, breakerOptions, place)
  const path = pathOf(place)
  const given = breakerOptions.filter((key) => value[key] !== undefined)
  const ofRatio = given.filter((key) => ratioOptions.includes(key))
  const refuse = (expected: string, got: string) =>
    new MeshError('MESH_INVALID_OPTION', `${path}: expected ${expected}, got ${got}`, { fix: breakerFix })

  if (given.includes('consecutiveFailures')) {
    if (ofRatio.length > 0)
      throw refuse('one kind of trigger', `consecutiveFailures together with ${ofRatio.join(', ')}`)
    return breakerTriggers.consecutive(value, place)
  }
  if (ofRatio.length === 0) throw refuse('what opens the circuit', given.join(', ') || 'no option')
  if (given.includes('overCalls') && given.includes('overMs')) throw refuse('one window', 'both overCalls and overMs')
  if (given.includes('overMs')) return breakerTriggers.overMs(value, place)
  if (!given.includes('overCalls')) throw refuse('a window for `failureRatio`: overCalls or overMs', given.join(', '))
  breakerTriggers.overCalls(value, place)
  const { overCalls, minimumCalls: minimum = 0 } = value as { overCalls: number; minimumCalls?: number }
  if (minimum > overCalls)
    throw unexpected({ owner: path, key: 'minimumCalls' }, `an integer <= overCalls (${overCalls})`, minimum)
}

const bulkhead = options(
  { maxConcurrent: integer({ atLeast: 1 }), maxQueued: integer({ atLeast: 0 }) },
  { required: ['maxConcurrent'], fix: 'Write bulkhead: { maxConcurrent: 10 }.' },
)

/** Checks {@link EdgeOptions}. */
export const edgeOptions: Check = options(
  {
    mode: oneOf('sync', 'async'),
    timeoutMs: number({ above: 0 }),
    retry,
    circuitBreaker,
    bulkhead,
    fallback: replySpec,
  },
  { fix: 'Write {} for a call without policies.' },
)
