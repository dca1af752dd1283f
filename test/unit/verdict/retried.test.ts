import { describe, expect, test } from 'vitest'
import { retried } from '../../../src/verdict/retried.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->catalog'

describe('retried by the mesh', () => {
  test('counts retries after the first try', () => {
    const history = createHistory()
    history.call(edge, [503, 503, 200], { backoffMs: [50, 100] })
    expect(retried(history.edge(edge), { attempts: 2 })).toMatchObject({
      ok: true,
      summary: 'the call was retried twice, after 50 ms and 100 ms',
      evidence: [
        '     0 ms  POST /charges  503',
        '    50 ms  POST /charges  503  retry 1',
        '   150 ms  POST /charges  200  retry 2',
      ],
    })
    expect(retried(history.edge(edge), { attempts: 1 })).toMatchObject({ ok: false, expected: 1, actual: 2 })
  })

  test('goes by the call that was retried most', () => {
    const history = createHistory()
    history.call(edge, 200)
    history.call(edge, [503, 200])
    history.call(edge, [503, 503, 503])
    expect(retried(history.edge(edge), { attempts: 2 }).summary).toContain('the most retried call was retried twice')
  })

  test('does not hold without a retry, nor without a call', () => {
    const history = createHistory()
    expect(retried(history.edge(edge))).toMatchObject({ ok: false, summary: 'nothing was sent' })
    expect(retried(history.edge(edge), { attempts: 0 }).ok).toBe(false)
    history.call(edge, 503)
    expect(retried(history.edge(edge))).toMatchObject({ ok: false, summary: 'no call was retried' })
    expect(retried(history.edge(edge), { attempts: 0 }).ok).toBe(true)
  })

  test('compares each wait with its bounds', () => {
    const history = createHistory()
    history.call(edge, [503, 503, 200], { backoffMs: [50, 100] })
    expect(retried(history.edge(edge), { backoff: { minMs: 50, maxMs: 100 } }).ok).toBe(true)
    expect(retried(history.edge(edge), { backoff: { minMs: 60 } })).toMatchObject({
      ok: false,
      summary: expect.stringContaining('the wait before retry 1 was 50 ms, not at least 60 ms'),
    })
    expect(retried(history.edge(edge), { backoff: { maxMs: 90 } }).ok).toBe(false)
  })

  test('compares the waits with a list, which gives their number as well', () => {
    const history = createHistory()
    history.call(edge, [503, 503, 200], { backoffMs: [50, 100] })
    expect(retried(history.edge(edge), { backoff: [50, 100] }).ok).toBe(true)
    expect(retried(history.edge(edge), { backoff: [50] }).ok).toBe(false)
    expect(retried(history.edge(edge), { backoff: [50, 100, 200] }).ok).toBe(false)
    expect(retried(history.edge(edge), { backoff: [50, 200] }).summary).toContain(
      'before retry 2 was 100 ms, not 200 ms',
    )
  })
})

describe('retried by the code under test', () => {
  const underTest = { edges: [{ name: edge, callerUnderTest: true }], mode: 'real' as const }

  test('is inferred from calls that repeat a failed one', () => {
    const history = createHistory(underTest)
    for (const end of [503, 'reset', 200, 200] as const) {
      history.call(edge, end)
      history.wait(100)
    }
    expect(retried(history.edge(edge), { attempts: 2 })).toMatchObject({
      ok: true,
      summary:
        'the most retried call was retried twice, after 100 ms and 100 ms (inferred from repeated calls of the code under test)',
    })
  })

  test('takes a call to another path, in another trace or for another parent for a new call', () => {
    const history = createHistory(underTest)
    const trace = (digit: string) => `00-${digit.repeat(32)}-${'1'.repeat(16)}-01`
    history.call(edge, 503, { path: '/a', traceparent: trace('a') })
    history.call(edge, 503, { path: '/b', traceparent: trace('a') })
    history.call(edge, 503, { path: '/a', traceparent: trace('b') })
    history.call(edge, 503, { path: '/a', traceparent: trace('b'), parent: '1' })
    expect(retried(history.edge(edge)).ok).toBe(false)
    history.call(edge, 503, { path: '/a', traceparent: trace('b') })
    expect(retried(history.edge(edge), { attempts: 1 }).ok).toBe(true)
  })

  test('allows a measured wait to be late, since real timers are', () => {
    const history = createHistory(underTest)
    history.call(edge, 503)
    history.wait(120).call(edge, 200)
    expect(retried(history.edge(edge), { backoff: [100] }).ok).toBe(true)
    expect(retried(history.edge(edge), { backoff: [90] }).ok).toBe(false)
    expect(retried(history.edge(edge), { backoff: [122] }).ok).toBe(false)
  })

  test('allows nothing of that in virtual time', () => {
    const history = createHistory({ ...underTest, mode: 'virtual' })
    history.call(edge, 503)
    history.wait(120).call(edge, 200)
    expect(retried(history.edge(edge), { backoff: [100] }).ok).toBe(false)
    expect(retried(history.edge(edge), { backoff: [120] }).ok).toBe(true)
  })
})
