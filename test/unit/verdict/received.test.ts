import { describe, expect, test } from 'vitest'
import { MeshError } from '../../../src/errors.ts'
import { received } from '../../../src/verdict/received.ts'
import { createHistory } from '../../support/history.ts'

const edge = 'orders->payments'

describe('received', () => {
  test('counts requests on a route, retries included', () => {
    const history = createHistory()
    history.call(edge, [503, 200], { body: { amount: 20 } })
    history.call(edge, 200, { method: 'GET', path: '/charges' })
    history.call(edge, 'refused')
    expect(received(history.service('payments'), 'POST /charges', { times: 2 })).toMatchObject({
      ok: true,
      summary: 'payments received 2',
      evidence: [
        '     0 ms  POST /charges  from orders           {"amount":20}',
        '     0 ms  POST /charges  from orders  retry 1  {"amount":20}',
      ],
    })
    expect(received(history.service('payments'), '/charges', { times: 3 }).ok).toBe(true)
    expect(received(history.service('payments'), 'POST /charges', { times: 1 })).toMatchObject({
      ok: false,
      expected: 1,
      actual: 2,
    })
  })

  test('matches parameters of a path and leaves out the query', () => {
    const history = createHistory()
    history.call('orders->catalog', 200, { method: 'GET', path: '/items/7?full=1' })
    expect(received(history.service('catalog'), 'GET /items/:id').ok).toBe(true)
  })

  test('shows what came instead when nothing came on the route', () => {
    const history = createHistory()
    history.call(edge, 200, { path: '/refunds' })
    expect(received(history.service('payments'), 'POST /charges')).toMatchObject({
      ok: false,
      summary: 'payments received none (but 1 request on other routes)',
      evidence: ['     0 ms  POST /refunds  from orders'],
    })
  })

  test('narrows by a part of the JSON body', () => {
    const history = createHistory()
    history.call(edge, 200, { body: { amount: 20, currency: 'EUR' } })
    history.call(edge, 200, { body: { amount: 30, currency: 'EUR' } })
    expect(received(history.service('payments'), 'POST /charges', { times: 1, matching: { amount: 20 } }).ok).toBe(true)
    expect(received(history.service('payments'), 'POST /charges', { matching: { amount: 40 } })).toMatchObject({
      ok: false,
      summary: 'payments received none (of 2 on this route)',
      evidence: [
        expect.stringMatching(/"amount":20.*does not match$/),
        expect.stringMatching(/"amount":30.*does not match$/),
      ],
    })
  })

  test('narrows by a predicate over method, path, headers and body', () => {
    const history = createHistory()
    history.call(edge, 200, { headers: { 'idempotency-key': 'a' }, body: 'text' })
    const seen: unknown[] = []
    const matching = (request: { headers: Readonly<Record<string, string>> }) => {
      seen.push(request)
      return request.headers['idempotency-key'] === 'a'
    }
    expect(received(history.service('payments'), 'POST /charges', { matching }).ok).toBe(true)
    expect(seen).toEqual([{ method: 'POST', path: '/charges', headers: { 'idempotency-key': 'a' }, body: 'text' }])
  })

  test('refuses what is no route', () => {
    const history = createHistory()
    expect(() => received(history.service('payments'), 'charges')).toThrow(MeshError)
  })
})
