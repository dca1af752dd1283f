import { describe, expect, test } from 'vitest'
import { containedFailure } from '../../../src/verdict/contained-failure.ts'
import { createHistory } from '../../support/history.ts'

const down = (answer: number, fallback?: number) => {
  const history = createHistory()
  history.call('storefront->orders', answer, {
    path: '/orders',
    within: (parent) =>
      void history.call('orders->payments', 'refused', {
        parent,
        fault: 'outage-1',
        ...(fallback !== undefined && { fallback }),
      }),
  })
  return history.mesh()
}

describe('containedFailure', () => {
  test('holds when only callers inside saw the failure', () => {
    expect(containedFailure(down(202), { within: 'orders' })).toMatchObject({
      ok: true,
      summary: 'nothing outside of orders saw a failure',
    })
    expect(containedFailure(down(202), { within: 'payments' }).ok).toBe(false)
  })

  test('holds when a fallback kept it from every caller', () => {
    expect(containedFailure(down(202, 202), { within: ['payments'] }).ok).toBe(true)
  })

  test('does not hold when it got out, and shows where', () => {
    expect(containedFailure(down(502), { within: ['orders', 'payments'] })).toEqual({
      ok: false,
      summary: 'storefront saw 1 failure',
      evidence: ['     0 ms  storefront->orders  POST /orders  502'],
    })
  })

  test('does not hold when there was nothing to contain', () => {
    const history = createHistory()
    history.call('orders->payments', 200)
    history.call('orders->catalog', 503, { mode: 'async' })
    expect(containedFailure(history.mesh(), { within: 'payments' })).toMatchObject({
      ok: false,
      summary: 'nothing failed on any call of payments, so there was nothing to contain',
    })
  })

  test('does not count a failed asynchronous call against its caller', () => {
    const history = createHistory()
    history.call('orders->emails', 'refused', { mode: 'async', fault: 'outage-1' })
    expect(containedFailure(history.mesh(), { within: 'emails' }).ok).toBe(true)
  })

  test('refuses a service that the mesh does not have', () => {
    expect(() => containedFailure(down(202), { within: ['paymnts'] })).toThrow(
      'No service "paymnts" in mesh "shop". Did you mean "payments"?',
    )
  })
})
