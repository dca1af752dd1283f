// Any other runner: no plugin, only startMesh and the pure matchers. And each line of "the running mesh".
import { startMesh } from 'meshwright'
import { matchers } from 'meshwright/matchers'
import { http, HttpResponse } from 'msw'
import CircuitBreaker from 'opossum'
import { expect, onTestFinished, test } from 'vitest'
import { checkout } from '../src/checkout'
import { shop } from './shop.mesh'

expect.extend(matchers)

async function start() {
  const mesh = await startMesh(shop, { seed: 7 })
  onTestFinished(() => mesh.stop())
  return mesh
}

const order = { method: 'POST', json: { itemId: 'XYZ123', quantity: 1 } }

test('startMesh brings it up, stop takes it down, twice if asked', async () => {
  const mesh = await startMesh(shop, { seed: 7 })
  expect(mesh.seed).toBe('7')
  expect((await checkout('XYZ123', 1)).status).toBe('completed')
  await mesh.stop()
  await mesh.stop()
  await expect(checkout('XYZ123', 1)).rejects.toThrow()
})

test('await using stops it at the end of the block', async () => {
  let url: string
  {
    await using mesh = await startMesh(shop)
    url = mesh.url('orders', { from: 'storefront' })
    expect((await fetch(`${url}/orders`, { method: 'POST', body: JSON.stringify(order.json) })).status).toBe(200)
  }
  await expect(fetch(url)).rejects.toThrow()
})

test('the pure matchers work wherever expect.extend does', async () => {
  const mesh = await start()
  await checkout('XYZ123', 1)
  expect(mesh.edge('orders->payments')).toHaveCallCount(1)
  expect(mesh.edge('orders->payments')).not.toHaveOpenedCircuit()
})

test('replies come in turn, the last one stays', async () => {
  const mesh = await start()
  mesh.service('payments').reply('POST /charges', 503, 503, { status: 200, json: { ok: true } })
  expect((await checkout('XYZ123', 1)).status).toBe('pending')
  expect((await checkout('XYZ123', 1)).status).toBe('completed')
  expect((await checkout('XYZ123', 1)).status).toBe('completed')
  expect(mesh.service('payments').requests).toHaveLength(4)
})

test('handlers of MSW go in front of a service’s own', async () => {
  const mesh = await start()
  mesh.service('catalog').use(http.get('/items/:id', () => HttpResponse.json({ price: 1 })))
  const response = await mesh.call('orders', 'catalog', '/items/7')
  expect(await response.json()).toEqual({ price: 1 })
})

test('a service tells where it is and who answers', async () => {
  const mesh = await start()
  expect(mesh.service('orders').url).toBe('https://orders.shop.test')
  expect(mesh.service('payments').instances).toHaveLength(3)
})

test('a circuit is read, isolated and reset', async () => {
  const mesh = await start()
  const edge = mesh.edge('orders->payments')
  expect(edge.circuit?.state).toBe('closed')
  edge.circuit?.isolate()
  expect((await checkout('XYZ123', 1)).status).toBe('pending')
  expect(mesh.service('payments').requests).toEqual([])
  edge.circuit?.reset()
  expect((await checkout('XYZ123', 1)).status).toBe('completed')
  expect(edge.circuit?.transitions.length).toBeGreaterThan(0)
  expect(edge.calls).toHaveLength(2)
  expect(edge.stats.calls).toBe(2)
})

test('a gate holds replies until it is released', async () => {
  const mesh = await start()
  const gate = mesh.hold('orders->payments')
  const both = Promise.all([checkout('XYZ123', 1), checkout('XYZ123', 2)])
  await gate.arrived(2)
  expect(mesh.service('payments').requests).toHaveLength(2)
  gate.release()
  expect((await both).map(({ status }) => status)).toEqual(['completed', 'completed'])
})

test('the environment of another process names its callees', async () => {
  const mesh = await start()
  expect(mesh.env('storefront').ORDERS_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
})

test('the mesh is handed to an MSW of one’s own', async () => {
  const mesh = await start()
  expect(mesh.handlers().length).toBeGreaterThan(0)
})

test('the events of a breaker of the code under test join the journal', async () => {
  const mesh = await start()
  const breaker = new CircuitBreaker(() => checkout('XYZ123', 1), { volumeThreshold: 1, errorThresholdPercentage: 1 })
  onTestFinished(() => breaker.shutdown())
  mesh.observe('storefront->orders', breaker)
  mesh.chaos.reset('storefront->orders')
  await breaker.fire().catch(() => {})
  expect(mesh.edge('storefront->orders')).toHaveOpenedCircuit()
})

test('the same seed and the same calls in virtual time are the same history', async () => {
  const hashes = []
  for (let i = 0; i < 2; i++) {
    const mesh = await startMesh(shop, { seed: 7 })
    await mesh.simulate(async () => {
      mesh.chaos.abort('orders->payments', { status: 503, percent: 30 })
      for (let n = 0; n < 20; n++) await checkout('XYZ123', 1)
      await mesh.settled()
    })
    hashes.push(mesh.journal.hash())
    expect(mesh.journal.toJSONL().split('\n').length).toBe(mesh.journal.entries.length + 1)
    await mesh.stop()
  }
  expect(hashes[0]).toBe(hashes[1])
})

test('settled waits for asynchronous calls', async () => {
  const mesh = await start()
  await mesh.call('orders', 'emails', '/')
  await mesh.settled()
  expect(mesh.service('emails').requests).toHaveLength(1)
})

test('the graph answers', async () => {
  const mesh = await start()
  expect(mesh.graph.dependents('payments')).toContain('orders')
  expect(shop.graph.cycles()).toEqual([])
})
