// The definition of the documentation's first page, as written there.
import { call, defineMesh, http, HttpResponse, lognormal } from 'meshwright'

export const shop = defineMesh({
  name: 'shop',
  services: {
    storefront: { underTest: true, calls: { orders: {} } },
    orders: {
      url: 'https://orders.shop.test',
      calls: {
        catalog: { timeoutMs: 500, retry: { attempts: 2, backoff: { kind: 'exponential', initialMs: 50 } } },
        payments: {
          timeoutMs: 2_000,
          retry: { attempts: 1 },
          circuitBreaker: { consecutiveFailures: 5, openMs: 30_000 },
          fallback: { status: 202, json: { status: 'payment-pending' } },
        },
        emails: { mode: 'async' },
      },
      handlers: [
        http.post('/orders', async ({ request }) => {
          const { itemId, quantity } = await request.json()
          const item = await call('catalog', `/items/${itemId}`).then((r) => r.json())
          const paid = await call('payments', '/charges', { method: 'POST', json: { amount: item.price * quantity } })
          return HttpResponse.json(
            { orderId: 'ORD98765', status: paid.status === 202 ? 'pending' : 'completed' },
            { status: paid.status },
          )
        }),
      ],
    },
    catalog: {
      handlers: [
        http.get('/items/:id', ({ params }) =>
          HttpResponse.json({ id: params.id, name: 'Super Widget', price: 19.99, stock: 10 }),
        ),
      ],
      responseTime: lognormal({ medianMs: 12, p99Ms: 80 }),
    },
    payments: { instances: 3, handlers: [http.post('/charges', () => HttpResponse.json({ ok: true }))] },
    emails: {},
  },
})
