import { checkout } from '../../checkout.mesh.ts'
import { serveWeb } from '../../web/server.mjs'
import { startOrders, type Orders } from '../start-orders.ts'
import { meshTest } from 'meshwright/playwright'

export { expect } from 'meshwright/playwright'

/** The shop as customers meet it: a page, and behind it the real orders service with the mesh around it. */
export const test = meshTest(checkout).extend<{ orders: Orders; shopUrl: string; ordersEnv: Record<string, string> }>({
  ordersEnv: [{}, { option: true }],
  orders: async ({ mesh, ordersEnv }, use) => {
    const orders = await startOrders(mesh, ordersEnv)
    await use(orders)
    await orders.stop()
  },
  // Names `orders`, so that the service is there before the page is.
  shopUrl: async ({ orders: _orders }, use) => {
    const web = await serveWeb()
    await use(web.url)
    web.close()
  },
})
