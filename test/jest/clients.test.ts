import http from 'node:http'
import https from 'node:https'
import axios from 'axios'
import { request as undiciRequest } from 'undici'
import { defineMesh } from 'meshwright'
import { useMesh } from 'meshwright/jest'
import { quickShop } from './shop.mesh.ts'

const mesh = useMesh(quickShop)
const url = 'https://orders.shop.test/orders'
const headers = { 'content-type': 'application/json' }
const order = { itemId: 'XYZ123', quantity: 1 }

function byNode(target: string): Promise<{ status: number | undefined; body: unknown }> {
  const client = target.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const request = client.request(target, { method: 'POST', headers })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }),
      )
    })
    request.end(JSON.stringify(order))
  })
}

const clients: [string, () => Promise<{ status: number | undefined; body: unknown }>][] = [
  [
    'fetch',
    async () => {
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order) })
      return { status: response.status, body: await response.json() }
    },
  ],
  [
    'axios',
    async () => {
      const { status, data } = await axios.post(url, order)
      return { status, body: data }
    },
  ],
  [
    'undici',
    async () => {
      const { statusCode, body } = await undiciRequest(url, { method: 'POST', headers, body: JSON.stringify(order) })
      return { status: statusCode, body: await body.json() }
    },
  ],
  ['http.request', () => byNode(url)],
]

test.each(clients)('%s reaches the mesh', async (_name, place) => {
  expect(await place()).toEqual({ status: 200, body: { orderId: 'ORD98765', status: 'completed' } })
  expect(mesh.service('orders')).toHaveReceived('POST /orders', { times: 1, matching: order })
})

describe('a service without a url', () => {
  const plain = useMesh(
    defineMesh({ name: 'plain', services: { web: { underTest: true, calls: { api: {} } }, api: {} } }),
  )

  test('is reached by its name, without TLS', async () => {
    expect((await axios.get('http://api/things')).status).toBe(200)
    expect(plain.service('api')).toHaveReceived('GET /things', { times: 1 })
  })
})

test('a refused connection looks to axios as a real one does', async () => {
  mesh.chaos.outage('orders')
  await expect(axios.post(url, order)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a refused connection looks to fetch as a real one does', async () => {
  mesh.chaos.outage('orders')
  await expect(fetch(url)).rejects.toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
    cause: { code: 'ECONNREFUSED' },
  })
})

test('what the mesh does not name is left alone', async () => {
  const server = http.createServer((_request, response) => response.end('outside'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  try {
    expect(await (await fetch(`http://127.0.0.1:${address.port}/`)).text()).toBe('outside')
    expect(mesh.journal.where({ type: 'call.started' })).toHaveLength(0)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('neither MSW nor the engine is loaded inside of the sandbox', () => {
  const loaded = Object.keys(require.cache)
  expect(loaded.filter((file) => /node_modules.axios/.test(file))).not.toEqual([])
  expect(loaded.filter((file) => /node_modules.(msw|@mswjs|@opentelemetry|cockatiel)|src.mesh/.test(file))).toEqual([])
})
