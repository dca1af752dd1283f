import { expect, test } from './shop.ts'

test('a customer pays', async ({ page, mesh, orders, shopUrl }) => {
  await page.goto(shopUrl)
  await page.getByRole('button', { name: 'Pay' }).click()
  await expect(page.getByRole('status')).toHaveText('Paid')
  expect(orders.rows()).toMatchObject([{ state: 'completed', amount: 19.99 }])
  expect(orders.gateway.charges).toEqual([{ orderId: orders.rows()[0]?.id, amount: 19.99 }])
  // page -> mesh -> the real orders -> mesh -> payments: one trace, one journal.
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

test('what is not in stock cannot be bought', async ({ page, mesh, orders, shopUrl }) => {
  await page.goto(shopUrl)
  await page.getByLabel('Item').fill('RARE1')
  await page.getByRole('button', { name: 'Pay' }).click()
  await expect(page.getByRole('status')).toHaveText('Out of stock')
  expect(mesh.edge('orders->payments')).toHaveCallCount(0)
  expect(orders.rows()).toEqual([])
})

test('a dead gateway costs no order', async ({ page, mesh, chaos, orders, shopUrl }) => {
  const outage = chaos.outage('payments')
  await page.goto(shopUrl)
  await page.getByRole('button', { name: 'Pay' }).click()
  await expect(page.getByRole('status')).toHaveText('Payment pending')
  expect(orders.rows()).toMatchObject([{ state: 'pending' }])
  outage.revert()
  await expect(page.getByRole('status')).toHaveText('Paid')
  expect(orders.rows()).toMatchObject([{ state: 'completed' }])
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1 })
})

test('a shop that is gone says so', async ({ page, chaos, shopUrl }) => {
  chaos.outage('orders')
  await page.goto(shopUrl)
  await page.getByRole('button', { name: 'Pay' }).click()
  await expect(page.getByRole('status')).toHaveText('The shop cannot be reached')
})

test.describe('without propagation', () => {
  test.use({ ordersEnv: { OTEL_PROPAGATORS: 'none' } })

  test('the hop at which the trace breaks is named', async ({ page, mesh, shopUrl }) => {
    await page.goto(shopUrl)
    await page.getByRole('button', { name: 'Pay' }).click()
    await expect(page.getByRole('status')).toHaveText('Paid')
    expect(() => expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })).toThrow(
      /the trace broke at orders->payments, call \d+: orders sent no traceparent/,
    )
  })
})
