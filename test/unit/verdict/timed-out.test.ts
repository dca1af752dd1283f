import { describe, expect, test } from 'vitest'
import { timedOut } from '../../../src/verdict/timed-out.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'

describe('timedOut', () => {
  test('counts tries that ran out of time', () => {
    const history = createHistory()
    history.call(edge, ['timeout', 'timeout', 200], { tookMs: 500 })
    expect(timedOut(history.edge(edge), { times: 2 })).toMatchObject({
      ok: true,
      summary: '2 of 3 tries timed out after 500 ms',
    })
    expect(timedOut(history.edge(edge), { times: 1 })).toMatchObject({ ok: false, expected: 1, actual: 2 })
  })

  test('does not hold when every try was answered', () => {
    const history = createHistory()
    history.call(edge, 504)
    expect(timedOut(history.edge(edge))).toMatchObject({ ok: false, summary: '0 of 1 try timed out' })
  })

  test('takes a caller under test that goes away for timed out, and says what it cannot tell', () => {
    const history = createHistory({ edges: [{ name: edge, callerUnderTest: true }] })
    history.call(edge, 'aborted')
    history.call(edge, 'hung')
    expect(timedOut(history.edge(edge), { times: 2 })).toMatchObject({
      ok: true,
      summary: '0 of 2 tries timed out, and the code under test gave up twice (its own time-out, or a cancellation)',
    })
  })

  test('does not take an abort between simulated services for a time-out', () => {
    const history = createHistory()
    history.call(edge, 'aborted')
    expect(timedOut(history.edge(edge)).ok).toBe(false)
  })
})
