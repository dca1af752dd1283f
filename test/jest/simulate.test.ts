import { circuitBreaker, ConsecutiveBreaker, handleWhen } from 'cockatiel'
import { useMesh } from 'meshwright/jest'
import { quickShop } from './shop.mesh.ts'

// The storefront has a breaker of its own, made by cockatiel from the globals of this realm.
function createStorefront() {
  const breaker = circuitBreaker(
    handleWhen(() => true),
    { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(3) },
  )
  const order = () =>
    breaker.execute(async () => {
      const response = await fetch('https://orders.shop.test/orders', {
        method: 'POST',
        body: JSON.stringify({ itemId: 'XYZ123', quantity: 1 }),
      })
      if (response.status >= 500) throw new Error(`orders answered ${response.status}`)
      return response.status
    })
  return { breaker, order }
}

const mesh = useMesh(quickShop)

test("the code's own breaker lives in virtual time, too", async () => {
  const realStart = Date.now()
  const { breaker, order } = createStorefront()
  mesh.observe('storefront->orders', breaker)
  const stillDownMs: number[] = []
  await mesh.simulate(async ({ sleep, now }) => {
    mesh.chaos.outage('orders', { forMs: 35_000 })
    while (now() < 40 * 60_000) {
      await order().catch(() => stillDownMs.push(now()))
      await sleep(5_000)
    }
    // Open after the third failure; a trial each 10 s fails until the outage has passed.
    expect(mesh.edge('storefront->orders')).toHaveOpenedCircuit({ afterFailures: 3 })
    expect(mesh.edge('storefront->orders')).toHaveRecovered({ withinMs: 10_000 })
    expect(mesh.edge('storefront->orders')).toHaveCircuitState('closed')
  })
  expect(stillDownMs.length).toBeGreaterThan(3)
  expect(Math.max(...stillDownMs)).toBeLessThan(45_000)
  expect(Date.now() - realStart).toBeLessThan(20_000)
})

test('time outside of the simulation is real again', async () => {
  const before = Date.now()
  const inside = await mesh.simulate(async ({ sleep }) => {
    const start = Date.now()
    await sleep(3_600_000)
    return Date.now() - start
  })
  expect(inside).toBe(3_600_000)
  expect(Math.abs(Date.now() - before)).toBeLessThan(60_000)
  await new Promise((resolve) => setTimeout(resolve, 1))
})

test('the same seed tells the same story', async () => {
  const play = () =>
    mesh.simulate(async ({ sleep }) => {
      mesh.chaos.abort('orders->payments', { status: 503, percent: 50 })
      for (let i = 0; i < 10; i++) {
        await fetch('https://orders.shop.test/orders', { method: 'POST', body: '{"itemId":"A","quantity":1}' })
        await sleep(1_000)
      }
      return mesh.edge('orders->payments').stats.attempts
    })
  expect(await play()).toBeGreaterThanOrEqual(10)
})

test('waiting for what never comes is explained at once', async () => {
  await expect(mesh.simulate(() => new Promise(() => {}))).rejects.toMatchObject({ code: 'MESH_DEADLOCK' })
})
