import { expect, meshTest, test } from 'meshwright/playwright'
import { appUrl, serveApp } from './app.ts'
import { shop } from './shop.mesh.ts'

test.use(shop)

test('checkout survives a dead payment gateway', async ({ page, mesh, chaos }) => {
  await serveApp(page)
  await chaos.outage('payments')
  await page.goto(appUrl)
  for (let i = 0; i < 6; i++) {
    await page.getByRole('button', { name: 'Pay' }).click()
    await expect(page.getByRole('status')).toHaveText('Payment pending')
  }
  await mesh.settled()
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

test('the page sees a refused connection', async ({ page, chaos }) => {
  await serveApp(page)
  chaos.outage('orders')
  await page.goto(appUrl)
  const failed = page.waitForEvent('requestfailed')
  await page.getByRole('button', { name: 'Pay' }).click()
  expect((await failed).failure()?.errorText).toBe('net::ERR_CONNECTION_REFUSED')
  await expect(page.getByRole('status')).toHaveText('Failed: Failed to fetch')
})

test('an API-only test reaches the mesh without a browser', async ({ request, mesh }) => {
  const response = await request.post('https://orders.shop.test/orders', { data: { itemId: 'A', quantity: 1 } })
  expect(response.status()).toBe(200)
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1 })
})

const typed = meshTest(shop)
typed('typed', async ({ mesh }) => {
  // @ts-expect-error there is no such edge
  expect(() => mesh.edge('orders->paymnts')).toThrow('Did you mean "orders->payments"?')
  expect(await (await mesh.call('orders', 'catalog', '/items/7')).json()).toMatchObject({ id: '7' })
})
