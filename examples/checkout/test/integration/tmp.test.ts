import { useMesh } from 'meshwright/jest'
import { checkout } from '../../checkout.mesh.ts'
import { startOrders } from '../start-orders.ts'
const mesh = useMesh(checkout)
test('x', async () => {
  const orders = await startOrders(mesh, { OTEL_PROPAGATORS: 'none' })
  await mesh.call('storefront', 'orders', '/orders', { json: { itemId: 'XYZ123', quantity: 1 } })
  await orders.stop()
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})
test('late', async () => {
  const orders = await startOrders(mesh)
  mesh.chaos.latency('orders->payments', { ms: 3000 })
  await mesh.call('storefront', 'orders', '/orders', { json: { itemId: 'XYZ123', quantity: 1 } })
  await mesh.settled()
  await orders.stop()
  expect(mesh.edge('orders->payments')).toHaveTimedOut()
})
