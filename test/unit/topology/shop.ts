import { http, HttpResponse } from 'msw'
import { defineMesh } from '../../../src/topology/definition.ts'

/** A shop with every kind of edge: plain, with policies, with a fallback, asynchronous. */
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
      handlers: [http.post('/orders', () => HttpResponse.json({ orderId: 'ORD98765' }))],
    },
    catalog: { responseTime: { kind: 'lognormal', medianMs: 12, p99Ms: 80 } },
    payments: { instances: 3, handlers: [http.post('/charges', () => HttpResponse.json({ ok: true }))] },
    emails: {},
  },
})
