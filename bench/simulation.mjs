/** Virtual time: half an hour of outage, forty minutes of a checkout every second. And what the journal keeps of a call. */
import { call, defineMesh, http, HttpResponse, lognormal, startMesh } from '../dist/esm/src/index.js'
import { report } from './measure.mjs'

const runs = Number(process.env.BENCH_ROUNDS ?? 3)
const minutes = 40

const shop = defineMesh({
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
      },
      handlers: [
        http.post('/orders', async ({ request }) => {
          const { itemId, quantity } = await request.json()
          const item = await call('catalog', `/items/${itemId}`).then((response) => response.json())
          const paid = await call('payments', '/charges', { method: 'POST', json: { amount: item.price * quantity } })
          return HttpResponse.json({ order: 1 }, { status: paid.status })
        }),
      ],
    },
    catalog: {
      handlers: [http.get('/items/:id', ({ params }) => HttpResponse.json({ id: params.id, price: 19.99 }))],
      responseTime: lognormal({ medianMs: 12, p99Ms: 80 }),
    },
    payments: { instances: 3, handlers: [http.post('/charges', () => HttpResponse.json({ ok: true }))] },
  },
})

async function checkout() {
  const response = await fetch('https://orders.shop.test/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ itemId: 'XYZ123', quantity: 1 }),
  })
  await response.arrayBuffer()
}

async function outage() {
  const mesh = await startMesh(shop, { seed: 7, listen: false })
  const startedAt = performance.now()
  let checkouts = 0
  await mesh.simulate(async ({ now, sleep }) => {
    mesh.chaos.outage('payments', { forMs: 30 * 60_000 })
    while (now() < minutes * 60_000) {
      await checkout()
      checkouts++
      await sleep(1_000)
    }
  })
  const seconds = (performance.now() - startedAt) / 1000
  const calls = mesh.journal.where({ type: 'call.started' }).length
  const bytes = mesh.journal.toJSONL().length
  const hash = mesh.journal.hash()
  await mesh.stop()
  return { seconds, checkouts, calls, bytesPerCall: bytes / calls, hash }
}

/** Bytes of memory that a call leaves behind, its journal included, once everything else has been collected. */
async function memory() {
  const definition = defineMesh({
    name: 'bench',
    services: {
      app: { underTest: true, calls: { api: {} } },
      api: { handlers: [http.get('/items/:id', () => HttpResponse.json({ ok: true }))] },
    },
  })
  const mesh = await startMesh(definition, { listen: false })
  const used = async () => {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      globalThis.gc()
    }
    return process.memoryUsage().heapUsed
  }
  const drive = async (count) => {
    for (let i = 0; i < count; i++) await (await mesh.call('app', 'api', '/items/7')).arrayBuffer()
  }
  const samples = []
  await drive(2_000)
  for (let i = 0; i < 4; i++) {
    const before = await used()
    await drive(4_500)
    samples.push(((await used()) - before) / 4_500)
  }
  await mesh.stop()
  return { heapBytesPerCall: samples.map(Math.round), calls: 20_000 }
}

const outages = []
for (let i = 0; i < runs; i++) outages.push(await outage())
const [{ checkouts, calls, bytesPerCall, hash }] = outages
report({
  minutes,
  // The least disturbed one: everything else on the machine can only add.
  seconds: Math.min(...outages.map(({ seconds }) => seconds)),
  checkouts,
  calls,
  bytesPerCall,
  isSame: outages.every((one) => one.hash === hash),
  memory: await memory(),
})
process.exit(0)
