import { describe, expect, test } from 'vitest'
import { callCount } from '../../../src/verdict/call-count.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->catalog'

describe('callCount', () => {
  test('counts calls, not tries', () => {
    const history = createHistory()
    history.call(edge, [503, 503, 200])
    history.call(edge, 200)
    history.call('orders->payments', 200)
    expect(callCount(history.edge(edge), 2)).toEqual({
      ok: true,
      summary: 'there were 2 (in 4 tries)',
      evidence: ['     0 ms  POST /charges  200  3 tries', '     0 ms  POST /charges  200'],
      expected: 2,
      actual: 2,
    })
    expect(callCount(history.edge(edge), 4).ok).toBe(false)
  })

  test('counts a call that is still in flight', () => {
    const history = createHistory()
    history.call(edge, 200, {
      within: () =>
        expect(callCount(history.edge(edge), 1)).toMatchObject({
          ok: true,
          summary: 'there was 1',
          evidence: ['     0 ms  POST /charges  in flight'],
        }),
    })
    expect.assertions(1)
  })

  test('holds for none', () => {
    expect(callCount(createHistory().edge(edge), 0)).toMatchObject({ ok: true, summary: 'there were 0' })
  })
})
