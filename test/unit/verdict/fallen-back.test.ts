import { describe, expect, test } from 'vitest'
import { fallenBack } from '../../../src/verdict/fallen-back.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'

describe('fallenBack', () => {
  test('counts calls that the fallback answered', () => {
    const history = createHistory()
    history.call(edge, 200)
    history.call(edge, [503, 503], { fallback: 202 })
    expect(fallenBack(history.edge(edge), { times: 1 })).toMatchObject({
      ok: true,
      summary: "1 of 2 calls got the fallback's answer",
      evidence: ['     0 ms  POST /charges  200', '     0 ms  POST /charges  202  2 tries, fallback: 503'],
    })
    expect(fallenBack(history.edge(edge), { times: 2 }).ok).toBe(false)
  })

  test('does not hold when the service answered', () => {
    const history = createHistory()
    history.call(edge, 202)
    expect(fallenBack(history.edge(edge))).toMatchObject({
      ok: false,
      summary: "0 of 1 call got the fallback's answer",
    })
  })

  test('admits that it does not see inside the code under test', () => {
    const history = createHistory({ edges: [{ name: edge, callerUnderTest: true }] })
    history.call(edge, 503)
    expect(fallenBack(history.edge(edge)).summary).toContain('does not see a fallback of the code under test')
  })
})
