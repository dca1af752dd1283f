import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, meshTest, test } from 'meshwright/playwright'
import { shop } from './shop.mesh'

const html = `<!doctype html>
<button>Pay</button>
<p role="status"></p>
<script type="module">
  const status = document.querySelector('[role=status]')
  document.querySelector('button').addEventListener('click', async () => {
    try {
      const response = await fetch('https://orders.shop.test/orders', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ itemId: 'XYZ123', quantity: 1 }),
      })
      status.textContent = response.status === 202 ? 'Payment pending' : response.ok ? 'Paid' : 'Failed'
    } catch (error) {
      status.textContent = String(error)
    }
  })
</script>`

let server: Server
let appUrl: string

test.beforeAll(async () => {
  server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  appUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
test.afterAll(() => {
  server.closeAllConnections()
  server.close()
})

test.use(shop)

test('checkout survives a dead payment gateway', async ({ page, mesh, chaos }) => {
  await chaos.outage('payments')
  await page.goto(appUrl)
  for (let i = 0; i < 6; i++) await page.getByRole('button', { name: 'Pay' }).click()
  await expect(page.getByRole('status')).toHaveText('Payment pending')
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

test('the next test has a fresh mesh, without the outage', async ({ page, mesh }) => {
  await page.goto(appUrl)
  await page.getByRole('button', { name: 'Pay' }).click()
  await expect(page.getByRole('status')).toHaveText('Paid')
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1 })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

const typed = meshTest(shop)

typed('a typed mesh is driven without a browser', async ({ mesh, chaos }) => {
  chaos.abort('orders->payments', { status: 503, times: 1 })
  const response = await mesh.call('storefront', 'orders', '/orders', {
    method: 'POST',
    json: { itemId: 'XYZ123', quantity: 2 },
  })
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ orderId: 'ORD98765', status: 'completed' })
  expect(mesh.edge('orders->payments')).toHaveRetried({ attempts: 1 })
})

typed('another process reaches the mesh by a loopback address', async ({ mesh }) => {
  const url = mesh.url('orders', { from: 'storefront' })
  expect(new URL(url).hostname).toBe('127.0.0.1')
  expect(mesh.env('storefront').ORDERS_URL).toBe(url)
  const response = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ itemId: 'XYZ123', quantity: 1 }),
  })
  expect(await response.json()).toEqual({ orderId: 'ORD98765', status: 'completed' })
  expect(mesh.service('catalog').requests).toHaveLength(1)
})
