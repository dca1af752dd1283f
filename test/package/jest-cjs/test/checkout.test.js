/** @jest-environment meshwright/jest-environment */
const { useMesh } = require('meshwright/jest')
const { shop } = require('./shop.mesh')
const { checkout, checkoutByRequest, checkoutEverySecondFor } = require('../src/checkout')

const mesh = useMesh(shop)

test('stops calling a failing gateway', async () => {
  mesh.service('payments').reply('POST /charges', 503)
  for (let i = 0; i < 10; i++) await checkout('XYZ123', 1)
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 5 })
})

test('half an hour later', async () => {
  await mesh.simulate(async ({ sleep, now }) => {
    const startedMs = now()
    mesh.chaos.outage('payments', { forMs: 30 * 60_000 })
    await checkoutEverySecondFor(40 * 60_000)
    await sleep(1_000)
    expect(now() - startedMs).toBeGreaterThanOrEqual(40 * 60_000)
    expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
  })
}, 60_000)

test('the mesh is fresh for each test', async () => {
  expect(mesh.journal.where({ type: 'call.started' })).toEqual([])
  expect(await checkout('XYZ123', 1)).toEqual({ orderId: 'ORD98765', status: 'completed' })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

test('https.request reaches the mesh too', async () => {
  expect(await checkoutByRequest('XYZ123', 1)).toEqual({ orderId: 'ORD98765', status: 'completed' })
  expect(mesh.edge('storefront->orders')).toHaveCallCount(1)
})

describe('fake timers', () => {
  afterEach(() => jest.useRealTimers())

  test('that advance carry the response time of a service', async () => {
    jest.useFakeTimers({ advanceTimers: true })
    expect(await checkout('XYZ123', 1)).toEqual({ orderId: 'ORD98765', status: 'completed' })
  })

  test('that stand still do not keep a call from answering that takes no time', async () => {
    jest.useFakeTimers()
    const response = await mesh.call('orders', 'payments', '/charges', { method: 'POST', json: { amount: 1 } })
    expect(await response.json()).toEqual({ ok: true })
  })
})

test('a network error looks like one', async () => {
  mesh.chaos.reset('storefront->orders')
  const error = await checkout('XYZ123', 1).catch((reason) => reason)
  expect(error.message).toBe('fetch failed')
  expect(error.cause.code).toBe('ECONNRESET')
})

describe('tests that run at the same time', () => {
  test.concurrent.each([1, 2, 3])('have a mesh of their own: %i checkouts', async (count) => {
    for (let i = 0; i < count; i++) await checkout('XYZ123', 1)
    expect(mesh.edge('orders->payments')).toHaveCallCount(count)
  })
})
