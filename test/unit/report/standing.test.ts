import { describe, expect, test } from 'vitest'
import { edgeTable } from '../../../src/report/edge-table.ts'
import { standing } from '../../../src/report/standing.ts'
import { createHistory } from '../../support/history.ts'

describe('standing', () => {
  test('nothing stands anyhow before the first call', () => {
    expect(standing(createHistory().mesh())).toEqual({ services: {}, edges: {} })
  })

  test('tells what failed, what was shielded, and how circuits stand', () => {
    const history = createHistory({ edges: [{ name: 'orders->emails', shielded: true }] })
    history.call('storefront->orders', 200)
    history.call('orders->catalog', 'refused')
    history.call('orders->catalog', 200)
    history.call('orders->emails', 500)
    history.call('orders->payments', 503)
    history.circuit('orders->payments', 'closed -> open')
    expect(standing(history.mesh())).toEqual({
      services: { orders: 'ok', catalog: 'degraded', emails: 'failed', payments: 'failed' },
      edges: {
        'storefront->orders': 'ok',
        'orders->catalog': 'degraded',
        'orders->emails': 'shielded',
        'orders->payments': 'open',
      },
    })
  })

  test('an isolated circuit is drawn open', () => {
    const history = createHistory()
    history.call('orders->payments', 200)
    history.circuit('orders->payments', 'closed -> isolated')
    expect(standing(history.mesh()).edges).toEqual({ 'orders->payments': 'open' })
  })

  test('with a graph, names that it does not have are left out', () => {
    const history = createHistory()
    history.call('orders->catalog', 200)
    history.call('orders->payments', 200)
    const graph = {
      hasService: (name: string) => name !== 'payments',
      hasEdge: (name: string) => name !== 'orders->catalog',
    }
    expect(standing({ ...history.mesh(), graph })).toEqual({
      services: { catalog: 'ok' },
      edges: { 'orders->payments': 'ok' },
    })
  })
})

describe('edgeTable', () => {
  test('has one row per edge, those that were called first', () => {
    const history = createHistory()
    history.call('orders->payments', [503, 200], { tookMs: 10 })
    history.call('orders->payments', 'refused', { tookMs: 40, fallback: 202 })
    history.call('orders->payments', 500, { tookMs: 30 })
    const rows = edgeTable(history.mesh())
    expect(rows[0]).toEqual({
      edge: 'orders->payments',
      status: 'degraded',
      calls: 3,
      attempts: 4,
      failures: 1,
      fallbacks: 1,
      medianMs: 30,
      maxMs: 40,
    })
    expect(rows.slice(1).map(({ edge, calls, medianMs }) => [edge, calls, medianMs])).toEqual([
      ['storefront->orders', 0, undefined],
      ['orders->catalog', 0, undefined],
      ['orders->emails', 0, undefined],
    ])
  })

  test('the median of an even number lies between the middle ones', () => {
    const history = createHistory()
    for (const tookMs of [10, 20, 40, 100]) history.call('orders->catalog', 200, { tookMs })
    expect(edgeTable(history.mesh())[0]?.medianMs).toBe(30)
  })
})
