import { expect, test } from 'vitest'
import { matchers } from '../../matchers/index.ts'
import { meshes } from '../support/meshes.ts'
import { checkout, shop } from '../support/shop.ts'

expect.extend(matchers)
const start = meshes()

test('an order goes through the whole mesh', async () => {
  const mesh = await start(shop)
  expect(await checkout('XYZ123', 2)).toEqual({ status: 200, body: { orderId: 'ORD98765', status: 'completed' } })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1, matching: { amount: 39.98 } })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
  expect(mesh.problems).toEqual([])
})

test('a failing gateway is left alone after five failures, and the order waits', async () => {
  const mesh = await start(shop)
  mesh.service('payments').reply('POST /charges', 503)
  const statuses = []
  for (let i = 0; i < 10; i++) statuses.push((await checkout('XYZ123', 1)).status)
  expect(statuses).toEqual(Array(10).fill(202))
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 5 })
  expect(mesh.edge('orders->payments')).toHaveFallenBack({ times: 10 })
})

test('replies come in turn, and the last one stays', async () => {
  const mesh = await start(shop)
  mesh.service('payments').reply('POST /charges', 503, 503, { status: 200, json: { ok: true } })
  const first = await checkout('A', 1)
  const second = await checkout('A', 1)
  const third = await checkout('A', 1)
  expect([first, second, third].map(({ status }) => status)).toEqual([202, 200, 200])
})

test('a circuit can be isolated and reset by hand', async () => {
  const mesh = await start(shop)
  const { circuit } = mesh.edge('orders->payments')
  circuit?.isolate()
  expect((await checkout('A', 1)).status).toBe(202)
  expect(mesh.edge('orders->payments')).toHaveCircuitState('isolated')
  circuit?.reset()
  expect((await checkout('A', 1)).status).toBe(200)
})

test('asynchronous edges never fail the caller, and settled waits for them', async () => {
  const { defineMesh, call, http, HttpResponse } = await import('../../src/index.ts')
  const mesh = await start(
    defineMesh({
      name: 'mail',
      services: {
        app: { underTest: true, calls: { orders: {} } },
        orders: {
          calls: { emails: { mode: 'async' } },
          handlers: [
            http.post('/orders', async () =>
              HttpResponse.json({ mail: (await call('emails', '/send', { json: {} })).status }),
            ),
          ],
        },
        emails: { responseTime: 30 },
      },
    }),
  )
  mesh.chaos.abort('emails', { status: 500 })
  const response = await fetch('http://orders/orders', { method: 'POST' })
  expect(await response.json()).toEqual({ mail: 202 })
  await mesh.settled()
  expect(mesh.edge('orders->emails').calls).toMatchObject([{ outcome: 'answered', status: 500 }])
})

test('held replies arrive only when they are released', async () => {
  const mesh = await start(shop)
  const gate = mesh.hold('orders->payments')
  const orders = [checkout('A', 1), checkout('B', 1)]
  await gate.arrived(2)
  expect(gate.waiting).toBe(2)
  expect(mesh.edge('storefront->orders').calls).toHaveLength(0)
  gate.release()
  expect((await Promise.all(orders)).map(({ status }) => status)).toEqual([200, 200])
})

test('the mesh can be driven as any of its services', async () => {
  const mesh = await start(shop)
  const response = await mesh.call('orders', 'catalog', '/items/7')
  expect(await response.json()).toEqual({ id: '7', name: 'Super Widget', price: 19.99, stock: 10 })
  expect(mesh.edge('orders->catalog').stats).toMatchObject({ calls: 1, failures: 0 })
})

test('the address of an edge is a real one on loopback', async () => {
  const mesh = await start(shop)
  const url = mesh.url('orders', { from: 'storefront' })
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(mesh.env('storefront')).toMatchObject({ ORDERS_URL: url })
  const response = await fetch(`${url}/orders`, { method: 'POST', body: '{"itemId":"A","quantity":1}' })
  expect(response.status).toBe(200)
  expect(mesh.journal.where({ type: 'call.started', edge: 'storefront->orders' })).toMatchObject([
    { origin: 'listener' },
  ])
})

test('a gate that is released early says how many replies it held', async () => {
  const mesh = await start(shop)
  const gate = mesh.hold('orders->payments')
  const waiting = gate.arrived(2)
  gate.release()
  await expect(waiting).rejects.toThrow(/released with 0 of 2 replies held[\s\S]*MESH_STOPPED/)
  await expect(gate.arrived()).rejects.toThrow('MESH_STOPPED')
})
