import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

function timedOut() {
  const history = createHistory()
  history.call(edge, ['timeout', 200], { tookMs: 2000 })
  return history.edge(edge)
}

describe('toHaveTimedOut', () => {
  test('passes', () => {
    expectMesh(timedOut()).toHaveTimedOut()
    expectMesh(timedOut()).toHaveTimedOut({ times: 1 })
    expectMesh(createHistory().edge(edge)).not.toHaveTimedOut()
  })

  test('fails', () => {
    expect(() => expectMesh(timedOut()).toHaveTimedOut({ times: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveTimedOut({ times: 2 })
      Expected 2 tries to time out, but 1 of 2 tries timed out after 2000 ms:
           0 ms  POST /charges  timeout
        2000 ms  POST /charges  200      retry 1]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(timedOut()).not.toHaveTimedOut()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).not.toHaveTimedOut()
      Expected no try to time out, but 1 of 2 tries timed out after 2000 ms:
           0 ms  POST /charges  timeout
        2000 ms  POST /charges  200      retry 1]
    `)
  })

  test('tells that nothing happened at all', () => {
    expect(() => expectMesh(createHistory().edge(edge)).toHaveTimedOut()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveTimedOut()
      Expected a try to time out, but nothing was sent]
    `)
  })

  test('tells that a try has not ended yet, and what waits for it', () => {
    const history = createHistory()
    history.record('call.started', { call: '1', edge, mode: 'sync', origin: 'in-process', method: 'GET', path: '/' })
    history.record('attempt.started', { call: '1', edge, attempt: 0 })
    expect(() => expectMesh(history.edge(edge)).toHaveTimedOut()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveTimedOut()
      Expected a try to time out, but 0 of 1 try timed out, and 1 has not ended yet: await toEventuallyHaveTimedOut:
           0 ms  GET /  in flight]
    `)
  })
})
