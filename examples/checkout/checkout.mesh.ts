import { defineMesh, http, HttpResponse } from 'meshwright'

const items: Record<string, { price: number; stock: number }> = {
  XYZ123: { price: 19.99, stock: 10 },
  RARE1: { price: 250, stock: 0 },
}

const payments = { handlers: [http.post('/charges', () => HttpResponse.json({ charged: true }, { status: 201 }))] }

/** The whole shop. The page and the orders service are real; the catalog and the payment gateway live in the mesh. */
export const checkout = defineMesh({
  name: 'checkout',
  services: {
    storefront: { underTest: true, calls: { orders: {} } },
    // Retries, time-outs and the circuit breaker of these calls are in the service's own code: that is what is tested.
    orders: { underTest: true, url: 'https://orders.shop.test', calls: { catalog: {}, payments: {} } },
    catalog: {
      handlers: [
        http.get('/items/:id', ({ params }) => {
          const item = items[String(params.id)]
          return item ? HttpResponse.json(item) : HttpResponse.json({ error: 'no such item' }, { status: 404 })
        }),
      ],
    },
    payments,
  },
})

/** What a unit test of the payments client needs of it: the code of the test is the orders service. */
export const ordersAlone = defineMesh({
  name: 'orders-alone',
  services: { orders: { underTest: true, calls: { payments: {} } }, payments },
})
