import { describe, expect, test } from 'vitest'
import { answered, failed, type FailureOutcome } from '../../../src/call/reply.ts'
import {
  defaultFailureConditions,
  failureWord,
  matchesFailure,
  wantsFallback,
} from '../../../src/resilience/failure.ts'

const networkOutcomes: FailureOutcome[] = ['refused', 'reset', 'closed', 'reset-mid-body', 'truncated']
const meshOutcomes: FailureOutcome[] = ['undeclared', 'unhandled', 'hop-limit', 'handler-failed']
const silentOutcomes: FailureOutcome[] = ['aborted', 'circuit-open', 'bulkhead-full', 'hung']

describe('matchesFailure', () => {
  test.each(networkOutcomes)('network covers %s and gives it as the word', (outcome) => {
    expect(matchesFailure(['network'], failed(outcome))).toBe(outcome)
    expect(matchesFailure(['timeout', '5xx', 'gateway-error', 503], failed(outcome))).toBeUndefined()
  })

  test('timeout covers a time-out of the mesh and nothing else does', () => {
    expect(matchesFailure(['timeout'], failed('timeout'))).toBe('timeout')
    expect(matchesFailure(['network', '5xx', 'gateway-error', 504], failed('timeout'))).toBeUndefined()
    expect(matchesFailure(['timeout'], answered(504))).toBeUndefined()
  })

  test.each([
    [499, undefined, undefined],
    [500, '500', undefined],
    [501, '501', undefined],
    [502, '502', '502'],
    [503, '503', '503'],
    [504, '504', '504'],
    [505, '505', undefined],
    [599, '599', undefined],
  ])('status %d: 5xx gives %s, gateway-error gives %s', (status, any, gateway) => {
    expect(matchesFailure(['5xx'], answered(status))).toBe(any)
    expect(matchesFailure(['gateway-error'], answered(status))).toBe(gateway)
  })

  test('a number covers that very status, which need not be an error', () => {
    expect(matchesFailure([429], answered(429))).toBe('429')
    expect(matchesFailure([429], answered(428))).toBeUndefined()
    expect(matchesFailure([202], answered(202))).toBe('202')
  })

  test.each(meshOutcomes)('5xx covers %s, which a caller sees as a status', (outcome) => {
    expect(matchesFailure(['5xx'], failed(outcome))).toBe(outcome)
    expect(matchesFailure(['network', 'timeout'], failed(outcome))).toBeUndefined()
  })

  test('what the mesh reports counts with the status that the caller gets', () => {
    expect(matchesFailure([502], failed('handler-failed'))).toBe('handler-failed')
    expect(matchesFailure([500], failed('handler-failed'))).toBeUndefined()
  })

  test.each(silentOutcomes)('nothing covers %s', (outcome) => {
    expect(matchesFailure([...defaultFailureConditions, 'gateway-error', 503], failed(outcome))).toBeUndefined()
  })

  test('no conditions cover nothing', () => {
    expect(matchesFailure([], answered(503))).toBeUndefined()
  })
})

describe('wantsFallback', () => {
  test.each([...networkOutcomes, ...meshOutcomes, 'timeout', 'circuit-open', 'bulkhead-full'] as FailureOutcome[])(
    'for %s',
    (outcome) => expect(wantsFallback(failed(outcome))).toBe(true),
  )

  test('for a 5xx, not for other answers', () => {
    expect(wantsFallback(answered(500))).toBe(true)
    expect(wantsFallback(answered(404))).toBe(false)
  })

  test.each(['aborted', 'hung'] as const)('not for %s, which nobody waits for', (outcome) => {
    expect(wantsFallback(failed(outcome))).toBe(false)
  })
})

test('failureWord is the status or the outcome', () => {
  expect(failureWord(answered(503))).toBe('503')
  expect(failureWord(failed('circuit-open'))).toBe('circuit-open')
})
