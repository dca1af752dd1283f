import type { EventEmitter } from 'node:events'
// @ts-expect-error opossum brings no types
import Opossum from 'opossum'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()

const depot = defineMesh({
  name: 'depot',
  services: {
    app: { underTest: true, calls: { 'order-desk': {} } },
    'order-desk': {
      calls: {
        stock: {
          bulkhead: { maxConcurrent: 1, maxQueued: 0 },
          circuitBreaker: { consecutiveFailures: 2, openMs: 1_000 },
        },
      },
    },
    stock: { handlers: [http.get('/items', () => HttpResponse.json([]))] },
  },
})

const ask = (mesh: Pick<Mesh, 'call'>) => mesh.call('order-desk', 'stock', '/items')

describe('an edge', () => {
  test('has numbers once it was called', async () => {
    const mesh = await start(depot)
    const edge = mesh.edge('order-desk->stock')
    expect(edge.stats).toEqual({ calls: 0, attempts: 0, failures: 0, meanMs: undefined, maxMs: undefined })
    await ask(mesh)
    mesh.chaos.abort('stock', { status: 500 })
    await ask(mesh)
    expect(edge.stats).toMatchObject({ calls: 2, attempts: 2, failures: 1 })
    expect(edge.stats.maxMs).toBeGreaterThanOrEqual(edge.stats.meanMs!)
  })

  test('shows its options and its circuit', async () => {
    const mesh = await start(depot)
    const edge = mesh.edge('order-desk->stock')
    expect(edge.options).toEqual(depot.services['order-desk'].calls!['stock'])
    expect(edge.circuit!.toJSON()).toMatchObject({ state: 'closed' })
    mesh.chaos.abort('stock', { status: 500, times: 2 })
    await ask(mesh)
    await ask(mesh)
    expect(edge.circuit!.transitions).toMatchObject([{ from: 'closed', to: 'open' }])
    expect(edge.circuit!.toJSON()).toMatchObject({ state: 'open' })
    expect((await ask(mesh)).headers.get('x-mesh-outcome')).toBe('circuit-open')
    expect(mesh.edge('app->order-desk').circuit).toBeUndefined()
  })

  test('rejects what its bulkhead has no room for', async () => {
    const mesh = await start(depot)
    const gate = mesh.hold('order-desk->stock')
    const first = ask(mesh)
    await gate.arrived()
    expect((await ask(mesh)).headers.get('x-mesh-outcome')).toBe('bulkhead-full')
    gate.release()
    expect((await first).status).toBe(200)
  })
})

describe('a gate', () => {
  const open = defineMesh({ name: 'open', services: { app: { underTest: true, calls: { stock: {} } }, stock: {} } })
  const fetchStock = (signal?: AbortSignal) => fetch('http://stock/', { signal })

  test('holds replies, not requests; two gates both have to open', async () => {
    const mesh = await start(open)
    const [first, second] = [mesh.hold('app->stock'), mesh.hold('app->stock')]
    const pending = fetchStock()
    await first.arrived()
    expect(mesh.service('stock').requests).toHaveLength(1)
    first.release()
    await second.arrived()
    expect([first.waiting, second.waiting]).toEqual([0, 1])
    second.release()
    second.release()
    expect((await pending).status).toBe(200)
    expect(mesh.journal.where({ type: 'hold.released' })).toHaveLength(2)
  })

  test('knows who has arrived already, and ends with its block', async () => {
    const mesh = await start(open)
    let pending: Promise<Response>
    {
      using gate = mesh.hold('app->stock')
      pending = fetchStock()
      await gate.arrived(1)
      await gate.arrived(1)
    }
    expect((await pending).status).toBe(200)
    expect((await fetchStock()).status).toBe(200)
  })

  test('lets go a caller that gives up', async () => {
    const mesh = await start(open)
    using gate = mesh.hold('app->stock')
    const gone = new AbortController()
    const pending = fetchStock(gone.signal)
    await gate.arrived()
    gone.abort()
    await expect(pending).rejects.toThrow('aborted')
    await mesh.settled()
    expect(gate.waiting).toBe(0)
  })

  test('tells who still waits for arrivals when it opens', async () => {
    const mesh = await start(open)
    const gate = mesh.hold('app->stock')
    const arrived = gate.arrived(3)
    gate.release()
    await expect(arrived).rejects.toThrow('released with 0 of 3 replies held')
    expect(gate.waiting).toBe(0)
  })
})

describe('an address', () => {
  test('for another process is in its environment', async () => {
    const mesh = await start(depot)
    const [url, proxy, { file }] = [mesh.url('order-desk', { from: 'app' }), mesh.proxy('app'), mesh.authority]
    expect(mesh.env('app')).toEqual({
      MESHWRIGHT_SERVICE: 'app',
      ORDER_DESK_URL: url,
      HTTP_PROXY: proxy,
      http_proxy: proxy,
      HTTPS_PROXY: proxy,
      https_proxy: proxy,
      NO_PROXY: '127.0.0.1,localhost,::1',
      no_proxy: '127.0.0.1,localhost,::1',
      NODE_USE_ENV_PROXY: '1',
      NODE_EXTRA_CA_CERTS: file,
      SSL_CERT_FILE: file,
      REQUESTS_CA_BUNDLE: file,
      CURL_CA_BUNDLE: file,
      MESHWRIGHT_CA_FILE: file,
    })
    expect(mesh.env('stock')).toEqual({ MESHWRIGHT_SERVICE: 'stock' })
  })

  test('is opened on request, and moves to the port that is asked for', async () => {
    const mesh = await start(depot)
    const edge = { from: 'order-desk', to: 'stock' } as const
    expect(() => mesh.url('stock', { from: 'order-desk' })).toThrow(
      `mesh.url: no listener is open for order-desk->stock, because "order-desk" is not under test
  Open one first: await mesh.listen({ from: 'order-desk', to: 'stock' }).   [MESH_UNSUPPORTED]`,
    )
    const url = await mesh.listen(edge)
    expect(await mesh.listen(edge)).toBe(url)
    expect(mesh.env('order-desk')['STOCK_URL']).toBe(url)
    const port = Number(new URL(url).port)
    expect(await mesh.listen({ ...edge, port })).toBe(url)
    const moved = await mesh.listen({ ...edge, port: 0 })
    expect((await fetch(`${moved}/items`)).status).toBe(200)
    expect(mesh.edge('order-desk->stock').calls).toHaveLength(1)
  })

  test('is refused for a port that is none, and for an edge that is none', async () => {
    const mesh = await start(depot)
    await expect(mesh.listen({ from: 'app', to: 'order-desk', port: 70_000 })).rejects.toThrow(
      'mesh.listen: expected `port` to be an integer from 0 to 65535, got 70000 (number)   [MESH_INVALID_OPTION]',
    )
    await expect(mesh.listen({ from: 'stock', to: 'app' })).rejects.toThrow('MESH_UNKNOWN_EDGE')
  })
})

test('forwardTo takes http and https', async () => {
  const mesh = await start(depot)
  expect(() => mesh.service('stock').forwardTo('ftp://stock.test')).toThrow(
    'service stock: forwardTo() takes an http(s) URL, got "ftp://stock.test" (string)   [MESH_INVALID_OPTION]',
  )
})

test('the traces of a mesh are text and HTML', async () => {
  const mesh = await start(depot)
  await ask(mesh)
  expect(mesh.traces.toText()).toContain('stock')
  expect(mesh.traces.toHtml()).toContain('stock')
})

test('observing ends with its undo', async () => {
  const mesh = await start(depot)
  const breaker: EventEmitter & { shutdown(): void } = new Opossum(async () => 'done')
  onTestFinished(() => breaker.shutdown())
  const listeners = () => breaker.eventNames().reduce((sum, name) => sum + breaker.listenerCount(name), 0)
  const before = listeners()
  const undo = mesh.observe('app->order-desk', breaker)
  expect(listeners()).toBeGreaterThan(before)
  undo()
  expect(listeners()).toBe(before)
})
