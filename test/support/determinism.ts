import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
// Types only: each runner hands in the package as it loads it, by name or from dist.
import type * as meshwright from 'meshwright'

export type Api = Pick<typeof meshwright, 'call' | 'defineMesh' | 'http' | 'HttpResponse' | 'lognormal' | 'startMesh'>

export interface Played {
  /** Of the whole journal. */
  hash: string
  jsonl: string
  /** What the code under test counted. */
  orders: { paid: number; pending: number; failed: number }
}

const minutes = 60_000

/**
 * Forty minutes of a shop's life in virtual time: customers order every few seconds, every policy of the mesh is at work, and
 * faults come and go, some of them by chance. Whoever runs it with this seed gets the same journal, byte for byte: in each
 * test runner, on each version of Node and msw, alone or beside others.
 */
export async function fortyMinutes({
  call,
  defineMesh,
  http,
  HttpResponse,
  lognormal,
  startMesh,
}: Api): Promise<Played> {
  const shop = defineMesh({
    name: 'forty-minutes',
    services: {
      storefront: { underTest: true, calls: { orders: {} } },
      orders: {
        url: 'https://orders.forty.test',
        calls: {
          catalog: {
            timeoutMs: 500,
            retry: { attempts: 2, backoff: { kind: 'exponential', initialMs: 50, jitter: 'full' } },
          },
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
            const { itemId, quantity } = (await request.json()) as { itemId: string; quantity: number }
            const item = (await call('catalog', `/items/${itemId}`).then((r) => r.json())) as { price: number }
            const paid = await call('payments', '/charges', { method: 'POST', json: { amount: item.price * quantity } })
            await call('emails', '/receipts', { method: 'POST', json: { itemId } })
            return HttpResponse.json({ itemId }, { status: paid.status === 202 ? 202 : 201 })
          }),
        ],
      },
      catalog: {
        handlers: [http.get('/items/:id', ({ params }) => HttpResponse.json({ id: params['id'], price: 5 }))],
        responseTime: lognormal({ medianMs: 12, p99Ms: 80 }),
      },
      payments: {
        instances: 3,
        handlers: [http.post('/charges', () => HttpResponse.json({ ok: true }))],
        responseTime: lognormal({ medianMs: 40, p99Ms: 400 }),
      },
      emails: {},
    },
  })

  const orders = { paid: 0, pending: 0, failed: 0 }
  // The code under test has policies of its own, which know nothing of the mesh: made by cockatiel in the runner's realm.
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 15_000, breaker: new ConsecutiveBreaker(4) })
  const policy = wrap(
    retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff({ initialDelay: 100 }) }),
    breaker,
    timeout(3_000, TimeoutStrategy.Aggressive),
  )
  const order = async (itemId: string, quantity: number): Promise<void> => {
    try {
      const status = await policy.execute(async ({ signal }) => {
        const response = await fetch('https://orders.forty.test/orders', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ itemId, quantity }),
          signal,
        })
        await response.arrayBuffer()
        if (response.status >= 500) throw new Error(`orders answered ${response.status}`)
        return response.status
      })
      orders[status === 201 ? 'paid' : status === 202 ? 'pending' : 'failed']++
    } catch {
      orders.failed++
    }
  }
  /** As code under test waits: on the timers of its realm. */
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  const customer = async (itemId: string, everyMs: number): Promise<void> => {
    const end = Date.now() + 40 * minutes
    while (Date.now() < end) {
      await order(itemId, 1 + Math.floor(Math.random() * 3))
      await wait(everyMs + Math.random() * 1_000)
    }
  }

  const mesh = await startMesh(shop, { seed: 'forty minutes', listen: false })
  try {
    mesh.observe('storefront->orders', breaker)
    await mesh.simulate(async () => {
      mesh.chaos.outage('payments', { afterMs: 5 * minutes, forMs: 10 * minutes })
      mesh.chaos.latency('orders->catalog', { ms: 300, jitterMs: 250, percent: 20 })
      mesh.chaos.abort('orders->payments', { status: 503, percent: 10 })
      mesh.chaos.hang('orders', { afterMs: 20 * minutes, forMs: minutes })
      mesh.chaos.reset('catalog', { afterMs: 25 * minutes, times: 40, percent: 50 })
      mesh.chaos.flap('payments', { upMs: 20_000, downMs: 5_000, afterMs: 30 * minutes, forMs: 5 * minutes })
      await Promise.all([customer('widget', 20_000), customer('gadget', 31_000)])
      await mesh.settled()
    })
    return { hash: mesh.journal.hash(), jsonl: mesh.journal.toJSONL(), orders }
  } finally {
    await mesh.stop()
  }
}
