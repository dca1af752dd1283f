import { useMesh } from 'meshwright/jest'
import { checkout } from '../../checkout.mesh.ts'
import { startOrders, type Orders } from '../start-orders.ts'

const mesh = useMesh(checkout)
let orders: Orders

/** Places an order as the storefront does. */
async function place(itemId = 'XYZ123', quantity = 1) {
  const response = await mesh.call('storefront', 'orders', '/orders', { json: { itemId, quantity } })
  return { code: response.status, ...((await response.json()) as { orderId?: string; status: string }) }
}

describe('the orders service', () => {
  beforeEach(async () => {
    orders = await startOrders(mesh, { SWEEP_MS: '3600000', PAYMENTS_OPEN_MS: '3600000' })
  })
  afterEach(() => orders.stop())

  test('completes an order that is paid, in one trace from end to end', async () => {
    const { code, orderId, status } = await place('XYZ123', 2)
    expect([code, status]).toEqual([201, 'completed'])
    expect(orders.rows()).toEqual([{ id: orderId, amount: 39.98, state: 'completed' }])
    expect(orders.gateway.charges).toEqual([{ orderId, amount: 39.98 }])
    expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
    expect(mesh).toPropagateTrace({ through: ['orders', 'catalog'] })
  })

  test('asks nobody for money when the item is out of stock', async () => {
    expect(await place('RARE1')).toEqual({ code: 409, status: 'out-of-stock' })
    expect(await place('NOPE')).toEqual({ code: 404, status: 'unknown-item' })
    expect(orders.rows()).toEqual([])
    expect(mesh.edge('orders->payments')).toHaveCallCount(0)
  })

  test('takes no for an answer', async () => {
    mesh.service('payments').reply('POST /charges', 402)
    expect(await place()).toMatchObject({ code: 402, status: 'declined' })
    expect(orders.rows()).toMatchObject([{ state: 'declined' }])
  })

  test('leaves a dead gateway alone after five failures; the orders wait', async () => {
    mesh.service('payments').reply('POST /charges', 503)
    const states = []
    for (let i = 0; i < 5; i++) states.push((await place()).status)
    expect(states).toEqual(Array(5).fill('pending'))
    expect(orders.rows().map(({ state }) => state)).toEqual(Array(5).fill('pending'))
    // The breaker is inside of the process; its log tells of it.
    expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 5 })
    await expect(mesh.edge('orders->payments')).toEventuallyHaveOpenedCircuit({ afterFailures: 5 }, { withinMs: 5_000 })
  })

  test('reads the catalog again when that fails, and gives up after three tries', async () => {
    mesh.chaos.abort('orders->catalog', { status: 500, times: 2 })
    expect(await place()).toMatchObject({ status: 'completed' })
    mesh.chaos.abort('orders->catalog', { status: 500 })
    expect((await place()).code).toBe(502)
    expect(mesh.edge('orders->catalog')).toHaveCallCount(6)
    expect(orders.rows()).toHaveLength(1)
  })
})

describe('the orders service, started again', () => {
  test('settles what it had left open before, under the same key', async () => {
    orders = await startOrders(mesh)
    try {
      const lost = mesh.chaos.loseReply('orders->payments')
      const { orderId, status } = await place()
      expect(status).toBe('pending')
      // The gateway has the money, and the order does not know.
      expect(orders.gateway.charges).toMatchObject([{ orderId }])
      expect(orders.rows()).toMatchObject([{ id: orderId, state: 'pending' }])
      lost.revert()
      await orders.restart()
      await until(() => orders.rows()[0]?.state === 'completed')
      expect(orders.gateway.charges).toHaveLength(1)
      expect(orders.gateway.requests).toBeGreaterThan(1)
    } finally {
      await orders.stop()
    }
  })
})

describe('the orders service without propagation', () => {
  test('fails the trace matcher, which names the hop', async () => {
    orders = await startOrders(mesh, { OTEL_PROPAGATORS: 'none' })
    try {
      expect(await place()).toMatchObject({ status: 'completed' })
      expect(() => expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })).toThrow(
        /the trace broke at orders->payments, call \d+: orders sent no traceparent/,
      )
    } finally {
      await orders.stop()
    }
  })
})

async function until(holds: () => boolean, withinMs = 10_000) {
  const end = Date.now() + withinMs
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
