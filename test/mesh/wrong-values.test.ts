import { format, stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { matchers } from '../../matchers/index.ts'
import { defineMesh, http, MeshError } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { shop } from '../support/shop.ts'

const start = meshes()
const begin = async () => (await start(shop)) as unknown as Mesh

async function errorOf(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (MeshError.is(error)) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

// From JavaScript anything may come; the casts stand for it.
const wrong: [string, (mesh: Mesh) => unknown, RegExp][] = [
  ['a call without a path', (mesh) => mesh.call('orders', 'payments', undefined as never), /path to start with "\/"/],
  [
    'an unknown option of a call',
    (mesh) => mesh.call('orders', 'payments', '/charges', { jsn: {} } as object),
    /`jsn`\. Did you mean "json"/,
  ],
  ['null for options of a call', (mesh) => mesh.call('orders', 'payments', '/', null as never), /got null/],
  ['simulate without a scenario', (mesh) => mesh.simulate(undefined as never), /expected a function, got undefined/],
  [
    'an unknown option of simulate',
    (mesh) => mesh.simulate(() => {}, { maxMs: 4 } as object),
    /`maxMs`\. Did you mean "max/,
  ],
  ['sleep with a text', (mesh) => mesh.simulate(({ sleep }) => sleep('1s' as never)), /milliseconds, got "1s"/],
  ['listen with a name', (mesh) => mesh.listen('payment' as never), /mesh\.listen\({ from: 'storefront'/],
  [
    'reply without a route',
    (mesh) => mesh.service('payments').reply(503 as never, 1),
    /reply\('POST \/charges', 503\)/,
  ],
  ['heal of nothing known', (mesh) => mesh.chaos.heal('paymnt'), /Did you mean "payments"[^]*MESH_UNKNOWN_SERVICE/],
  ['arrived with a text', (mesh) => mesh.hold('orders->payments').arrived('2' as never), /integer >= 1, got "2"/],
  ['a service on both sides', (mesh) => mesh.chaos.partition(['orders'], ['orders']), /"orders" stands on both sides/],
  ['a mesh of nothing', () => defineMesh({ name: 'none', services: {} }), /at least one service[^]*INVALID_DEFINITION/],
  [
    'a method that is none',
    (mesh) => mesh.call('orders', 'payments', '/', { method: 5 as never }),
    /`method`[^]*got 5/,
  ],
  [
    'headers that are none',
    (mesh) => mesh.call('orders', 'payments', '/', { headers: 5 as never }),
    /`headers`[^]*got 5/,
  ],
  [
    'a signal that is none',
    (mesh) => mesh.call('orders', 'payments', '/', { signal: {} as never }),
    /`signal` to be an/,
  ],
  [
    'JSON that is none',
    (mesh) => mesh.call('orders', 'payments', '/', { json: 1n }),
    /value that JSON can carry, got 1/,
  ],
  [
    'options of url that are null',
    (mesh) => mesh.url('orders', null as never),
    /mesh\.url: expected an object[^]*null/,
  ],
  ['subscribe without a listener', (mesh) => mesh.journal.subscribe(undefined as never), /listener to be a function/],
  ['subscribe to a text', (mesh) => mesh.journal.subscribe(() => {}, 'note' as never), /list of types, got "note"/],
  ['options of simulate that are null', (mesh) => mesh.simulate(() => {}, null as never), /got null/],
]
test.each(wrong)('%s is told in words', async (_what, work, message) => {
  const mesh = await begin()
  expect(await errorOf(() => work(mesh))).toMatch(message)
})

test('what changes a stopped mesh says that it has stopped', async () => {
  const mesh = await begin()
  await mesh.stop()
  expect(await errorOf(() => mesh.hold('orders->payments'))).toContain('MESH_STOPPED')
  expect(await errorOf(() => mesh.service('payments').reply('POST /charges', 503))).toContain('MESH_STOPPED')
})

test('a handler that returns no response is a problem, and answers 500 with the way out', async () => {
  const mesh = await start(shop)
  mesh.service('payments').use(http.post('/charges', () => ({ a: 1 }) as never))
  mesh.edge('orders->payments').configure({ fallback: undefined as never })
  const response = await mesh.call('orders', 'payments', '/charges', { method: 'POST' })
  expect(mesh.problems[0]?.message).toContain('return HttpResponse.json(...)')
  expect(mesh.journal.where({ type: 'problem' })[0]?.message).toContain('{"a":1} (object), which is no response')
  expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('HttpResponse.json(...)')])
})

test('a predicate that throws is named', async () => {
  const mesh = await begin()
  await mesh.call('orders', 'payments', '/charges', { json: {} })
  const matching = () => {
    throw new TypeError('no such thing')
  }
  expect(
    await errorOf(() => matchers.toHaveReceived.call({}, mesh.service('payments'), 'POST /charges', { matching })),
  ).toMatch(/toHaveReceived: `matching` threw TypeError: no such thing[^]*POST \/charges/)
})

describe('a mesh and its handles', () => {
  test('are short as text, as JSON and in the console', async () => {
    const mesh = await begin()
    await mesh.call('orders', 'catalog', '/items/1')
    const edge = mesh.edge('orders->catalog')
    expect([String(mesh), String(edge), `${mesh.service('catalog')}`]).toEqual([
      'mesh shop',
      'edge orders->catalog',
      'service catalog',
    ])
    expect(JSON.parse(JSON.stringify(edge))).toMatchObject({ kind: 'edge', name: 'orders->catalog', calls: 1 })
    for (const one of [mesh, edge, mesh.service('catalog')]) {
      expect(JSON.stringify(one).length).toBeLessThan(300)
      expect(stripVTControlCharacters(format(one)).length).toBeLessThan(300)
      expect(format(one)).toMatch(/^(mesh|edge|service) \w/)
    }
  })

  test('are short in the difference that a failed assertion shows', async () => {
    const mesh = await begin()
    for (const one of [mesh, mesh.edge('orders->catalog')])
      try {
        expect(one).toEqual({ name: 'x' })
        expect.unreachable()
      } catch (error) {
        const { actual } = error as { actual: unknown }
        expect(JSON.stringify(actual)).toContain('"kind"')
        expect(String((error as Error).message).length).toBeLessThan(1_000)
      }
  })
})

test('openCalls lists what is in flight', async () => {
  const mesh = await begin()
  mesh.service('catalog').reply('GET /items/1', 200)
  const gate = mesh.hold('orders->catalog')
  const reply = mesh.call('orders', 'catalog', '/items/1')
  await gate.arrived()
  expect(mesh.openCalls()).toEqual([expect.stringMatching(/orders->catalog {2}GET \/items\/1 {2}open for \d+ ms/)])
  gate.release()
  await reply
  await mesh.settled()
  expect(mesh.openCalls()).toEqual([])
})
