import { describe, expect, test } from 'vitest'
import { call, defineMesh, http, HttpResponse, MeshError, startMesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { shop } from '../support/shop.ts'

const start = meshes()
const shopLike = shop as unknown as Parameters<typeof startMesh>[0]

const messageOf = (fn: () => unknown): string => {
  try {
    fn()
  } catch (error) {
    if (MeshError.is(error)) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a call along an undeclared edge', () => {
  test('is refused, and is a problem with the edges that exist', async () => {
    const mesh = await start(shop)
    const response = await fetch('http://payments/charges', { method: 'POST' })
    expect(response.status).toBe(501)
    expect(response.headers.get('x-mesh-outcome')).toBe('undeclared')
    expect(mesh.problems.map(({ message }) => message)).toMatchInlineSnapshot(`
      [
        ""storefront" called "payments" (POST /charges), but the mesh "shop" declares no such edge.
        "storefront" may call: orders
        Nearest edges: storefront->orders, orders->payments
        Declare it (services.storefront.calls.payments: {}) or set undeclaredCalls: 'allow'.   [MESH_UNDECLARED_CALL]",
      ]
    `)
  })

  test('passes when the definition allows it', async () => {
    const mesh = await start(shop.with({ undeclaredCalls: 'allow' }))
    expect((await fetch('http://payments/charges', { method: 'POST' })).status).toBe(200)
    expect(mesh.problems).toEqual([])
  })
})

describe('a request that no handler takes', () => {
  test('is answered with 501, and is a problem with the nearest handlers', async () => {
    const mesh = await start(shop)
    const response = await mesh.call('orders', 'payments', '/charge', { method: 'POST' })
    expect(response.status).toBe(202)
    expect(mesh.problems[0]?.message).toMatchInlineSnapshot(`
      "No handler of service "payments" takes POST /charge (called by orders).
        Nearest: POST /charges
        Handlers: POST /charges
        Add a handler, script a reply (mesh.service('payments').reply('POST /charge', 200)), or set unhandledRequests: 'passthrough'.   [MESH_UNHANDLED_REQUEST]"
    `)
  })

  test('is a plain 404 with passthrough', async () => {
    const mesh = await start(shop.with({ unhandledRequests: 'passthrough' }))
    expect((await mesh.call('orders', 'catalog', '/nothing')).status).toBe(404)
    expect(mesh.problems).toEqual([])
  })
})

test('a cycle beyond the hop limit is stopped and named', async () => {
  const ring = defineMesh({
    name: 'ring',
    hopLimit: 6,
    services: {
      app: { underTest: true, calls: { a: {} } },
      a: { calls: { b: {} } },
      b: { calls: { c: {} } },
      c: { calls: { a: {} } },
    },
  })
  const mesh = await start(ring)
  expect((await fetch('http://a/')).status).toBe(502)
  expect(mesh.problems.map(({ message }) => message)).toMatchInlineSnapshot(`
    [
      "A call travelled 7 hops, the limit is 6.
      Cycle: a -> b -> c -> a
      Break the cycle in a handler, or raise hopLimit in the definition.   [MESH_HOP_LIMIT]",
    ]
  `)
})

test('an unknown service or edge is named with the nearest one', async () => {
  const mesh = await start(shopLike)
  expect(messageOf(() => mesh.service('paymnts'))).toMatchInlineSnapshot(`
    "No service "paymnts" in mesh "shop". Did you mean "payments"?
      Services: catalog, emails, orders, payments, storefront   [MESH_UNKNOWN_SERVICE]"
  `)
  expect(messageOf(() => mesh.edge('orders->paymnts'))).toMatchInlineSnapshot(`
    "No edge "orders->paymnts" in mesh "shop". Did you mean "orders->payments"?
      Edges: orders->catalog, orders->emails, orders->payments, storefront->orders   [MESH_UNKNOWN_EDGE]"
  `)
  expect(messageOf(() => mesh.chaos.outage('paymnts'))).toMatchInlineSnapshot(`
    "No service "paymnts" in mesh "shop". Did you mean "payments"?
      Services: catalog, emails, orders, payments, storefront   [MESH_UNKNOWN_SERVICE]"
  `)
  expect(messageOf(() => mesh.chaos.latency('orders->catlog', { ms: 1 }))).toMatchInlineSnapshot(`
    "No edge "orders->catlog" in mesh "shop". Did you mean "orders->catalog"?
      Edges: orders->catalog, orders->emails, orders->payments, storefront->orders   [MESH_UNKNOWN_EDGE]"
  `)
})

test('a bad fault option says what was expected and what was given', async () => {
  const { chaos } = await start(shop)
  expect(messageOf(() => chaos.outage('payments', { percent: 101 }))).toMatchInlineSnapshot(
    `"chaos.outage: expected \`percent\` to be a number from 0 to 100, got 101 (number)   [MESH_INVALID_OPTION]"`,
  )
  expect(messageOf(() => chaos.outage('payments', { time: 3 } as object))).toMatchInlineSnapshot(`
    "chaos.outage: unknown option \`time\`. Did you mean "times"?
      Options: percent, times, afterMs, forMs, when   [MESH_INVALID_OPTION]"
  `)
  expect(messageOf(() => chaos.latency('payments', { ms: '5' as unknown as number }))).toMatchInlineSnapshot(
    `"chaos.latency: expected \`ms\` to be a number >= 0, got "5" (string)   [MESH_INVALID_OPTION]"`,
  )
  expect(messageOf(() => chaos.partition([], ['payments']))).toMatchInlineSnapshot(
    `"chaos.partition: expected two lists of services, got [] (array)   [MESH_INVALID_OPTION]"`,
  )
  expect(messageOf(() => chaos.flap('payments', { upMs: 100, downMs: 0 }))).toMatchInlineSnapshot(
    `"chaos.flap: expected \`downMs\` to be a number >= 1, got 0 (number)   [MESH_INVALID_OPTION]"`,
  )
})

test('call outside a handler says what to use instead', async () => {
  await expect(call('payments', '/charges')).rejects.toThrow(/mesh\.call[\s\S]*MESH_NO_MESH/)
})

test('a stopped mesh says so', async () => {
  const mesh = await start(shop)
  await mesh.stop()
  await mesh.stop()
  expect(messageOf(() => mesh.chaos.outage('payments'))).toMatchInlineSnapshot(`
    "chaos.outage: the mesh has stopped
      Inject faults while the test runs.   [MESH_STOPPED]"
  `)
  await expect(mesh.call('orders', 'catalog', '/items/1')).rejects.toThrow('MESH_STOPPED')
})

test('startMesh refuses what is no definition, and options that it does not know', async () => {
  await expect(startMesh(shop, { sede: 1 } as object)).rejects.toThrow(/Did you mean "seed"[\s\S]*MESH_INVALID_OPTION/)
  await expect(startMesh({} as never)).rejects.toThrow(/expected a definition[\s\S]*MESH_INVALID_DEFINITION/)
  await expect(startMesh(shop, { clock: 'sundial' as never })).rejects.toThrow(
    /"real" or "host"[\s\S]*MESH_INVALID_OPTION/,
  )
})

test('settled names the calls that are still open', async () => {
  const mesh = await start(shop)
  mesh.chaos.hang('orders')
  const gone = new AbortController()
  const pending = fetch('https://orders.shop.test/orders', { method: 'POST', signal: gone.signal }).catch(
    () => 'aborted',
  )
  while (mesh.journal.where({ type: 'fault.hit' }).length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await expect(mesh.settled({ timeoutMs: 20 })).rejects.toThrow(
    /1 {2}storefront->orders {2}POST \/orders[\s\S]*MESH_NOT_SETTLED/,
  )
  gone.abort()
  expect(await pending).toBe('aborted')
  await mesh.settled()
})

test('a handler that throws is a 500 that says why, and no problem of the mesh', async () => {
  const mesh = await start(
    defineMesh({
      name: 'faulty',
      services: {
        app: { underTest: true, calls: { a: {} } },
        a: {
          handlers: [
            http.get('/typo', () => {
              throw new TypeError('x is not a function')
            }),
            http.get('/down', async () => HttpResponse.json(await call('b', '/').then((r) => r.json()))),
          ],
          calls: { b: {} },
        },
        b: {},
      },
    }),
  )
  const typo = await fetch('http://a/typo')
  expect(typo.status).toBe(500)
  expect(await typo.json()).toEqual({ name: 'TypeError', message: 'x is not a function' })
  mesh.chaos.outage('b')
  const down = await fetch('http://a/down')
  expect(down.status).toBe(502)
  expect(await down.json()).toMatchObject({
    outcome: 'handler-failed',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})
