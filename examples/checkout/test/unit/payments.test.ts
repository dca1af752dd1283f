import { useMesh } from 'meshwright/jest'
import { ordersAlone } from '../../checkout.mesh.ts'
import { createPayments } from '../../orders/payments.mjs'
import { createGateway } from '../gateway.ts'

const mesh = useMesh(ordersAlone)

/** The client as it is, with its breaker's life in the journal. */
function client() {
  const payments = createPayments({ url: 'http://payments', timeoutMs: 1_000, openMs: 10_000 })
  mesh.observe('orders->payments', payments.breaker)
  return payments
}

test('a charge carries the order as its idempotency key', async () => {
  expect(await client().charge({ id: 'order-1', amount: 19.99 })).toBe('charged')
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1, matching: { amount: 19.99 } })
  expect(mesh.service('payments').requests[0]?.headers).toMatchObject({ 'idempotency-key': 'order-1' })
})

test('a failed try is made once more', async () => {
  mesh.service('payments').reply('POST /charges', 503, 201)
  expect(await client().charge({ id: 'order-1', amount: 5 })).toBe('charged')
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 2 })
})

test('a declined card is an answer, not a failure', async () => {
  mesh.service('payments').reply('POST /charges', 402)
  expect(await client().charge({ id: 'order-1', amount: 5 })).toBe('declined')
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1 })
})

test.each([
  ['refuses connections', () => mesh.chaos.outage('payments')],
  ['resets connections', () => mesh.chaos.reset('payments')],
  ['cuts its answers', () => mesh.chaos.truncate('payments')],
] as const)('a gateway that %s leaves the payment open', async (_what, inject) => {
  inject()
  expect(await client().charge({ id: 'order-1', amount: 5 })).toBe('unanswered')
})

test('half an hour without a gateway: five failures, a trial every ten seconds, and back again', async () => {
  await mesh.simulate(async ({ sleep, now }) => {
    const payments = client()
    mesh.chaos.hang('payments', { afterMs: 60_000, forMs: 30 * 60_000 })
    const results: string[] = []
    while (now() < 40 * 60_000) {
      results.push(await payments.charge({ id: `order-${results.length}`, amount: 5 }))
      await sleep(5_000)
    }
    expect(new Set(results)).toEqual(new Set(['charged', 'unanswered']))
    expect(results.at(-1)).toBe('charged')
    expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
    expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 16_000 })
  })
})

test('a gateway that is too slow processes the given-up tries all the same, under one key', async () => {
  const gateway = createGateway()
  mesh.service('payments').use(...gateway.handlers)
  await mesh.simulate(async ({ sleep, now }) => {
    mesh.chaos.latency('orders->payments', { ms: 5_000 })
    expect(await client().charge({ id: 'order-1', amount: 5 })).toBe('unanswered')
    // Two tries of a second each, and the wait between them.
    expect(now()).toBeLessThan(3_000)
    expect(gateway.charges).toEqual([])
    await sleep(10_000)
  })
  expect(gateway.requests).toBe(2)
  expect(gateway.charges).toEqual([{ orderId: 'order-1', amount: 5 }])
})
