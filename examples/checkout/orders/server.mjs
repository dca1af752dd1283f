// The orders service, as it runs in production. Everything around it comes from the environment:
//
//   CATALOG_URL, PAYMENTS_URL        where its dependencies are
//   DATABASE                         the file that keeps the orders
//   PORT                             default: any free one; the first line of the output tells it
//   PAYMENTS_TIMEOUT_MS (1000), PAYMENTS_OPEN_MS (10000), SWEEP_MS (5000)
import http from 'node:http'
import { createCatalog } from './catalog.mjs'
import { createCheckout } from './checkout.mjs'
import { createPayments } from './payments.mjs'
import { openStore } from './store.mjs'

const { env } = process
const store = openStore(required('DATABASE'))
const payments = createPayments({
  url: required('PAYMENTS_URL'),
  timeoutMs: Number(env.PAYMENTS_TIMEOUT_MS ?? 1_000),
  openMs: Number(env.PAYMENTS_OPEN_MS ?? 10_000),
})
const checkout = createCheckout({ store, catalog: createCatalog({ url: required('CATALOG_URL') }), payments })

// Whoever runs this service wants to know when it stops paying.
/** @param {string} state */
const logCircuit = (state) => {
  const { breakerState } = /** @type {{ breakerState: number }} */ (payments.breaker.toJSON())
  console.log(`circuit payments ${state} after ${breakerState} failures`)
}
payments.breaker.onBreak(() => logCircuit('open'))
payments.breaker.onHalfOpen(() => logCircuit('half-open'))
payments.breaker.onReset(() => logCircuit('closed'))

/** @type {Record<string, number>} */
const statusOf = { completed: 201, pending: 202, declined: 402, 'out-of-stock': 409, 'unknown-item': 404 }

const server = http.createServer(async (request, response) => {
  /** @param {number} status @param {unknown} body */
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  try {
    const { pathname } = new URL(request.url ?? '/', 'http://orders')
    if (request.method === 'POST' && pathname === '/orders') {
      const { itemId, quantity } = JSON.parse(await text(request))
      if (typeof itemId !== 'string' || !Number.isInteger(quantity) || quantity < 1)
        return answer(400, { error: 'expected { itemId: string, quantity: integer >= 1 }' })
      const order = await checkout.place({ itemId, quantity })
      if (typeof order === 'string') return answer(statusOf[order] ?? 500, { status: order })
      return answer(statusOf[order.state] ?? 500, { orderId: order.id, status: order.state, amount: order.amount })
    }
    const id = request.method === 'GET' ? /^\/orders\/([^/]+)$/.exec(pathname)?.[1] : undefined
    const order = id === undefined ? undefined : store.find(decodeURIComponent(id))
    if (order) return answer(200, { orderId: order.id, status: order.state, amount: order.amount })
    return answer(404, { error: 'not found' })
  } catch (error) {
    console.error(error)
    return answer(error instanceof SyntaxError ? 400 : 502, { error: String(error) })
  }
})

let sweeping = Promise.resolve()
let isSwept = false
const sweeper = setInterval(
  () => {
    if (isSwept) return
    isSwept = true
    sweeping = checkout
      .sweep()
      .catch((error) => console.error(error))
      .finally(() => (isSwept = false))
  },
  Number(env.SWEEP_MS ?? 5_000),
)

server.listen(Number(env.PORT ?? 0), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`orders listens on http://127.0.0.1:${port}`)
})

process.once('SIGTERM', async () => {
  clearInterval(sweeper)
  server.close()
  server.closeAllConnections()
  await sweeping
  store.close()
  process.exit(0)
})

/** @param {string} name */
function required(name) {
  const value = env[name]
  if (!value) throw new Error(`orders: ${name} is not set`)
  return value
}

/** @param {http.IncomingMessage} request */
async function text(request) {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  return body
}
