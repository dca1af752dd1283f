import { describe, expect, test } from 'vitest'
import { call, defineMesh, http, HttpResponse, startMesh } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { tcpServers } from '../support/tcp-handles.ts'

const start = meshes()

const bank = defineMesh({
  name: 'bank',
  services: {
    shop: { underTest: true, calls: { orders: {} } },
    orders: {
      calls: {
        payments: { timeoutMs: 1_000, retry: { attempts: 3, backoff: { kind: 'constant', ms: 500 } } },
        mail: { mode: 'async' },
      },
      handlers: [
        http.get('/', async () => {
          void call('mail', '/')
          return HttpResponse.text(String((await call('payments', '/')).status))
        }),
      ],
    },
    payments: {},
    mail: {},
  },
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('stopping', () => {
  const moments: [string, (mesh: Mesh) => void][] = [
    ['a hang', (mesh) => mesh.chaos.hang('payments')],
    ['a delay', (mesh) => mesh.chaos.latency('payments', { ms: 100_000 })],
    ['a delay on the way back', (mesh) => mesh.chaos.latency('payments', { ms: 100_000, leg: 'reply' })],
    ['a lost reply', (mesh) => mesh.chaos.loseReply('payments')],
    ['a wait before a retry', (mesh) => mesh.chaos.reset('payments')],
    ['a held reply', (mesh) => void mesh.hold('orders->payments')],
    ['a slow script', (mesh) => void mesh.service('payments').reply('/', { delayMs: 100_000 })],
    ['an asynchronous call', (mesh) => mesh.chaos.hang('mail')],
    [
      'a handler that never answers',
      (mesh) => void mesh.service('payments').use(http.get('/', () => new Promise<never>(() => {}))),
    ],
  ]
  test.each(moments)('ends every call: %s', async (_, disturb) => {
    const mesh = (await startMesh(bank, { seed: 1, listen: false })) as unknown as Mesh
    disturb(mesh)
    const driven = mesh.call('shop', 'orders', '/').catch((error: Error) => error)
    const fetched = fetch('http://orders/').catch((error: Error) => error)
    while (mesh.service('orders').requests.length < 2) await turn()
    for (let i = 0; i < 20; i++) await turn()
    await Promise.all([mesh.stop(), mesh.stop()])
    await Promise.all([driven, fetched])
    const [started, ended] = [mesh.journal.where({ type: 'call.started' }), mesh.journal.where({ type: 'call.ended' })]
    expect(ended.map((entry) => entry.call).sort()).toEqual(started.map((entry) => entry.call).sort())
    expect(mesh.journal.entries.at(-1)?.type).toBe('mesh.stopped')
    await mesh.settled({ timeoutMs: 200 })
  })

  test('while an address is being opened leaves none open', async () => {
    const mesh = (await startMesh(bank, { listen: false })) as unknown as Mesh
    const before = tcpServers()
    const opening = mesh.listen({ from: 'orders', to: 'payments' }).catch((error: Error) => error)
    await mesh.stop()
    expect(await opening).toMatchObject({ code: 'MESH_STOPPED' })
    expect(tcpServers()).toBe(before)
  })

  test('before a simulation has begun keeps it from running', async () => {
    const mesh = (await startMesh(bank, { listen: false, transport: 'listeners' })) as unknown as Mesh
    let ran = false
    const simulated = mesh.simulate(() => void (ran = true)).catch((error: Error) => error)
    await mesh.stop()
    expect(await simulated).toMatchObject({ code: 'MESH_STOPPED' })
    expect(ran).toBe(false)
    expect(mesh.journal.entries.at(-1)?.type).toBe('mesh.stopped')
  })
})

test('an address that is asked for twice at once is opened once', async () => {
  const mesh = await start(bank, { listen: false })
  const [first, second] = await Promise.all([
    mesh.listen({ from: 'orders', to: 'payments' }),
    mesh.listen({ from: 'orders', to: 'payments' }),
  ])
  expect(first).toBe(second)
})

test('a second simulation inside the first is refused and leaves the first alone', async () => {
  const mesh = await start(bank)
  await mesh.simulate(async ({ sleep }) => {
    const refused = mesh.simulate(() => {}).catch((error: Error) => error)
    mesh.chaos.abort('payments', { status: 500 })
    expect(await refused).toBeInstanceOf(Error)
    expect(mesh.chaos.faults).toHaveLength(1)
    await sleep(1)
  })
  expect(mesh.journal.where({ type: 'simulation.ended' })).toHaveLength(1)
})

describe('addresses follow the edges', () => {
  test('the address of an edge that is gone is closed, and its service is no longer named', async () => {
    const mesh = (await start(bank)) as unknown as Mesh
    const url = mesh.url('orders')
    expect(mesh.env('shop')).toHaveProperty('ORDERS_URL', url)
    mesh.removeEdge('shop->orders')
    expect(mesh.env('shop')).not.toHaveProperty('ORDERS_URL')
    expect(() => mesh.url('orders')).toThrow('MESH_UNKNOWN_EDGE')
    await mesh.stop()
    await expect(fetch(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  test('an edge that came later, or a mesh without addresses, has to be asked', async () => {
    const mesh = (await start(bank, { listen: false })) as unknown as Mesh
    expect(() => mesh.url('orders')).toThrow(
      "mesh.url: no listener is open for shop->orders\n  Open one first: await mesh.listen({ from: 'shop', to: 'orders' }).   [MESH_UNSUPPORTED]",
    )
  })
})

describe('faults', () => {
  const pay = (mesh: Mesh) => mesh.call('shop', 'orders', '/').then((response) => response.text())

  test('of two handles on one service each ends for itself', async () => {
    const mesh = (await start(bank)) as unknown as Mesh
    const codeOf = () =>
      mesh.call('shop', 'orders', '/').then(
        ({ status }) => status,
        (error: { cause?: { code?: string } }) => error.cause?.code,
      )
    const [first, second] = [mesh.chaos.outage('orders'), mesh.chaos.outage('orders')]
    first.revert()
    expect(await codeOf()).toBe('ECONNREFUSED')
    second.revert()
    expect(await codeOf()).toBe(200)
  })

  test('that began while a request was delayed meet it when it arrives', async () => {
    const mesh = (await start(bank)) as unknown as Mesh
    await mesh.simulate(async ({ sleep }) => {
      mesh.chaos.latency('orders', { ms: 1_000 })
      const pending = pay(mesh).catch((error: { cause?: { code?: string } }) => error.cause?.code)
      await sleep(500)
      mesh.chaos.outage('orders')
      expect(await pending).toBe('ECONNREFUSED')
    })
  })

  test('injected in real time end by the time of the mesh, also in a simulation', async () => {
    const mesh = (await start(bank)) as unknown as Mesh
    const fault = mesh.chaos.abort('orders', { status: 418, forMs: 60_000 })
    const later = mesh.chaos.abort('orders', { status: 410, afterMs: 120_000 })
    await mesh.simulate(async ({ sleep }) => {
      expect((await mesh.call('shop', 'orders', '/')).status).toBe(418)
      await sleep(61_000)
      expect(fault.active).toBe(false)
      expect((await mesh.call('shop', 'orders', '/')).status).toBe(200)
      await sleep(61_000)
      expect(later.active).toBe(true)
      expect((await mesh.call('shop', 'orders', '/')).status).toBe(410)
    })
    expect(mesh.journal.where({ type: 'fault.reverted' })).toMatchObject([{ reason: 'expired' }])
  })

  test('need services on both sides of a partition, and options that are some', async () => {
    const mesh = (await start(bank)) as unknown as Mesh
    expect(() => mesh.chaos.partition(['orders->payments'], ['mail'])).toThrow('MESH_UNKNOWN_SERVICE')
    expect(() => mesh.chaos.outage('orders', null as never)).toThrow('MESH_INVALID_OPTION')
    expect(() => mesh.chaos.abort('orders', { stauts: 500 } as never)).toThrow(
      'chaos.abort: unknown option `stauts`. Did you mean "status"?',
    )
    expect(mesh.chaos.faults).toEqual([])
  })
})

test('calls in flight keep their places in the bulkhead when something else of their edge changes', async () => {
  const mesh = (await start(bank)) as unknown as Mesh
  const edge = mesh.edge('orders->payments')
  edge.configure({ bulkhead: { maxConcurrent: 1 }, retry: undefined as never, timeoutMs: undefined as never })
  const gate = mesh.hold('orders->payments')
  const first = mesh.call('orders', 'payments', '/')
  await gate.arrived()
  edge.configure({ timeoutMs: 30_000 })
  expect((await mesh.call('orders', 'payments', '/')).headers.get('x-mesh-outcome')).toBe('bulkhead-full')
  gate.release()
  expect((await first).status).toBe(200)
})

test('a gate that has been released makes nobody wait', async () => {
  const mesh = await start(bank)
  const gate = mesh.hold('orders->payments')
  gate.release()
  await expect(gate.arrived(2)).rejects.toThrow('the gate was released')
})

describe('the seed', () => {
  test('may be 0', async () => {
    expect((await start(bank, { seed: 0 })).seed).toBe('0')
  })
})

test('hundreds of calls at once with every policy all end, and the bulkhead and the circuit hold', async () => {
  let atOnce = 0
  let most = 0
  const busy = defineMesh({
    name: 'busy',
    services: {
      app: { underTest: true, sidecar: true, calls: { api: {} } },
      web: {
        calls: {
          api: {
            timeoutMs: 300,
            retry: { attempts: 2, backoff: { kind: 'exponential', initialMs: 20, jitter: 'full' } },
            circuitBreaker: { consecutiveFailures: 10, openMs: 200, halfOpenCalls: 2 },
            bulkhead: { maxConcurrent: 20, maxQueued: 30 },
            fallback: 202,
          },
        },
      },
      api: {
        responseTime: { kind: 'uniform', minMs: 1, maxMs: 50 },
        handlers: [
          http.get('/:n', async () => {
            most = Math.max(most, ++atOnce)
            await new Promise((resolve) => setTimeout(resolve, 5))
            atOnce--
            return HttpResponse.text('')
          }),
        ],
      },
    },
  })
  const run = async () => {
    most = atOnce = 0
    const mesh = (await start(busy, { listen: false })) as unknown as Mesh
    await mesh.simulate(async ({ sleep }) => {
      mesh.chaos.abort('api', { percent: 60, afterMs: 200, forMs: 1_000 })
      mesh.chaos.hang('api', { percent: 10 })
      const calls: Promise<number>[] = []
      for (let i = 0; i < 500; i++) {
        calls.push(mesh.call('web', 'api', `/${i}`).then(({ status }) => status))
        if (i % 10 === 0) await sleep(30)
      }
      expect(new Set(await Promise.all(calls))).toEqual(new Set([200, 202]))
      await mesh.settled()
    })
    return mesh
  }
  const mesh = await run()
  expect(most).toBeLessThanOrEqual(20)
  expect(mesh.edge('web->api').calls).toHaveLength(500)
  expect(mesh.edge('web->api').circuit?.transitions.length).toBeGreaterThan(2)
  const again = await run()
  expect(again.journal.hash()).toBe(mesh.journal.hash())
})

test('a cycle with retries on its way ends after a few calls', async () => {
  const definition = defineMesh({
    name: 'ring',
    services: {
      app: { underTest: true, calls: { a: {} } },
      a: { calls: { b: { retry: { attempts: 3 } } } },
      b: { calls: { a: { retry: { attempts: 3 } } } },
    },
  })
  const mesh = (await start(definition)) as unknown as Mesh
  expect((await mesh.call('app', 'a', '/')).status).toBe(502)
  expect(mesh.problems).toHaveLength(1)
  expect(mesh.journal.where({ type: 'call.started' }).length).toBeLessThan(200)
})

describe('the journal', () => {
  test('keeps a note as it was, and refuses what is no JSON', async () => {
    const mesh = await start(bank)
    const data = { order: { id: 1 } }
    mesh.journal.note('placed', data)
    data.order.id = 2
    expect(mesh.journal.where({ type: 'note' })).toMatchObject([{ data: { order: { id: 1 } } }])
    const circle: { self?: object } = {}
    circle.self = circle
    expect(() => mesh.journal.note('round', circle)).toThrow('MESH_INVALID_OPTION')
    expect(mesh.journal.toJSONL()).toContain('placed')
  })
})

test('a service shows its metadata', async () => {
  const mesh = await start(bank.with({ services: { payments: { metadata: { zone: 'eu-1' } } } }))
  expect(mesh.service('payments').metadata).toEqual({ zone: 'eu-1' })
  expect(mesh.service('mail').metadata).toEqual({})
})
