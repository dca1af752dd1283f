import { expect, test } from './shop.ts'

// The experiment: the payment gateway times out during checkout.
//
// Steady state    an order that is placed is paid
// Injected        5 s of latency between orders and payments; orders gives up after one
// Expected        the order waits, and the page says so; none is completed without payment; nobody is charged twice, although
//                 the gateway processes the tries that were given up; and all is well soon after the gateway is back
test('payment gateway times out during checkout', async ({ page, mesh, chaos, orders, shopUrl }) => {
  const pay = () => page.getByRole('button', { name: 'Pay' }).click()
  const status = page.getByRole('status')
  const paidFor = () => orders.gateway.charges.map(({ orderId }) => orderId)
  const completed = () => orders.rows().filter(({ state }) => state === 'completed')

  await test.step('steady state', async () => {
    await page.goto(shopUrl)
    await pay()
    await expect(status).toHaveText('Paid')
  })

  const latency = chaos.latency('orders->payments', { ms: 5_000 })

  await test.step('the order waits, and the page says so', async () => {
    await pay()
    await expect(status).toHaveText('Payment pending')
    expect(orders.rows().map(({ state }) => state)).toEqual(['completed', 'pending'])
  })

  await test.step('orders goes on asking, and no order is completed without payment', async () => {
    // The service's own sweep tries again until its breaker opens.
    await expect(mesh.edge('orders->payments')).toEventuallyHaveOpenedCircuit(
      { afterFailures: 5 },
      { withinMs: 20_000 },
    )
    for (const { id } of completed()) expect(paidFor()).toContain(id)
    await expect(status).toHaveText('Payment pending')
  })

  await test.step('all is well when the gateway is back', async () => {
    latency.revert()
    await expect(status).toHaveText('Paid', { timeout: 10_000 })
    expect(orders.rows().map(({ state }) => state)).toEqual(['completed', 'completed'])
    await expect(mesh.edge('orders->payments')).toEventuallyHaveCircuitState('closed', { withinMs: 5_000 })
  })

  await test.step('the tries that were given up arrive late, and charge nobody again', async () => {
    await expect.poll(() => orders.gateway.requests, { timeout: 15_000 }).toBeGreaterThanOrEqual(latency.hits + 2)
    await mesh.settled({ timeoutMs: 10_000 })
    expect(orders.gateway.charges).toEqual(orders.rows().map(({ id, amount }) => ({ orderId: id, amount })))
    expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
  })
})
