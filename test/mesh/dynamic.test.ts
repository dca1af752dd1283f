import { expect, test } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()

const small = defineMesh({
  name: 'small',
  services: {
    app: { underTest: true, calls: { orders: {} } },
    orders: { calls: { catalog: {} } },
    catalog: {},
  },
})

// Names that come at run time are not known to the types.
const open = async () => (await start(small)) as unknown as Mesh

test('a service that is added while running is reached, and the graph shows it', async () => {
  const mesh = await open()
  mesh.addService('reviews', { handlers: [http.get('/reviews', () => HttpResponse.json([]))] })
  mesh.addEdge('orders', 'reviews', { timeoutMs: 500 })
  expect((await mesh.call('orders', 'reviews', '/reviews')).status).toBe(200)
  expect(mesh.graph.dependents('reviews')).toEqual(['app', 'orders'])
  // The default handler of orders calls what it may call now.
  const response = await fetch('http://orders/reviews')
  expect(await response.json()).toEqual({ service: 'orders', calls: { catalog: 200, reviews: 200 } })
})

test('a service that is removed is gone from the graph, and calls to it are undeclared', async () => {
  const mesh = await open()
  mesh.removeService('catalog')
  expect(mesh.graph.services).toEqual(['app', 'orders'])
  expect(() => mesh.service('catalog')).toThrow('MESH_UNKNOWN_SERVICE')
  expect(() => mesh.edge('orders->catalog')).toThrow('MESH_UNKNOWN_EDGE')
  expect(await (await fetch('http://orders/')).json()).toEqual({ service: 'orders', calls: {} })
})

test('an edge is added and removed', async () => {
  const mesh = await open()
  mesh.addEdge('app', 'catalog')
  expect((await fetch('http://catalog/')).status).toBe(200)
  mesh.removeEdge('app->catalog')
  expect((await fetch('http://catalog/')).status).toBe(501)
  expect(mesh.problems).toHaveLength(1)
})

test('policies change while running, the options not named stay', async () => {
  const mesh = await open()
  const edge = mesh.edge('orders->catalog')
  mesh.service('catalog').reply('/*', 500)
  expect((await mesh.call('orders', 'catalog', '/')).status).toBe(500)
  edge.configure({ retry: { attempts: 2 } })
  edge.configure({ fallback: { status: 203 } })
  expect((await mesh.call('orders', 'catalog', '/')).status).toBe(203)
  expect(edge.calls.map(({ attempts }) => attempts)).toEqual([1, 3])
  expect(mesh.journal.where({ type: 'topology.changed' })).toMatchObject([
    { change: 'policy-changed', edge: 'orders->catalog' },
    { change: 'policy-changed', edge: 'orders->catalog' },
  ])
  expect(() => edge.configure({ timeoutMs: -1 })).toThrow('MESH_INVALID_OPTION')
})

test('changing another option keeps an open circuit open', async () => {
  const mesh = await open()
  const edge = mesh.edge('orders->catalog')
  edge.configure({ circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } })
  mesh.service('catalog').reply('/*', 500)
  await mesh.call('orders', 'catalog', '/')
  expect(edge.circuit?.state).toBe('open')
  edge.configure({ timeoutMs: 500 })
  expect(edge.circuit?.state).toBe('open')
  edge.configure({ circuitBreaker: { consecutiveFailures: 2, openMs: 60_000 } })
  expect(edge.circuit?.state).toBe('closed')
})

test('handlers added by a test go before the declared ones', async () => {
  const mesh = await open()
  mesh.service('catalog').use(http.get('/items', () => HttpResponse.json('first'), { once: true }))
  mesh.service('catalog').use(http.get('/items', () => HttpResponse.json('second'), { once: true }))
  const bodies = []
  for (let i = 0; i < 2; i++) bodies.push(await (await mesh.call('orders', 'catalog', '/items')).json())
  expect(bodies).toEqual(['second', 'first'])
})

test('a service can be forwarded to a real one, and back', async () => {
  const mesh = await open()
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => {
    response
      .setHeader('set-cookie', ['a=1', 'b=2'])
      .end(JSON.stringify({ path: request.url, trace: request.headers.traceparent }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as import('node:net').AddressInfo
  mesh.service('catalog').forwardTo(`http://127.0.0.1:${port}`)
  const response = await mesh.call('orders', 'catalog', '/items?full=1')
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(await response.json()).toEqual({
    path: '/items?full=1',
    trace: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-/),
  })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await expect(mesh.call('orders', 'catalog', '/items')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  mesh.service('catalog').forwardTo(undefined)
  expect((await mesh.call('orders', 'catalog', '/items')).status).toBe(200)
})

test('listeners follow: an edge of a simulated service gets an address on request', async () => {
  const mesh = await open()
  expect(() => mesh.url('catalog', { from: 'orders' })).toThrow(/await mesh\.listen[\s\S]*MESH_UNSUPPORTED/)
  const url = await mesh.listen({ from: 'orders', to: 'catalog' })
  expect(mesh.url('catalog', { from: 'orders' })).toBe(url)
  expect((await fetch(url)).status).toBe(200)
  expect(mesh.journal.where({ type: 'call.started', edge: 'orders->catalog' })).toHaveLength(1)
})

test('a port that is taken is named', async () => {
  const mesh = await open()
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as import('node:net').AddressInfo
  await expect(mesh.listen({ from: 'app', to: 'orders', port })).rejects.toThrow(
    new RegExp(`${port}[\\s\\S]*MESH_PORT_TAKEN`),
  )
  await new Promise((resolve) => server.close(resolve))
  expect(await mesh.listen({ from: 'app', to: 'orders', port })).toBe(`http://127.0.0.1:${port}`)
})

test('what is sent to a service that was removed stays on the machine, and is refused', async () => {
  const mesh = await open()
  mesh.removeService('orders')
  await expect(fetch('http://orders/')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  mesh.addService('orders', { handlers: [http.get('/', () => HttpResponse.json('back'))] })
  mesh.addEdge('app', 'orders')
  expect(await (await fetch('http://orders/')).json()).toBe('back')
})
