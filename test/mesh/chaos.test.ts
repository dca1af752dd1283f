import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineMesh, http, HttpResponse, startMesh } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()

let charges = 0
const bank = defineMesh({
  name: 'bank',
  services: {
    shop: { underTest: true, calls: { payments: {}, catalog: {} } },
    orders: { calls: { payments: { timeoutMs: 1_000 }, catalog: {} } },
    payments: {
      handlers: [
        http.post('/charges', () => {
          charges++
          return HttpResponse.json({ ok: true, receipt: 'R-123456789' })
        }),
      ],
    },
    catalog: {},
  },
})

const pay = (mesh: Pick<Mesh, 'call'>) =>
  mesh
    .call('shop', 'payments', '/charges', { json: {} })
    .then(async (response) => ({ status: response.status, body: await response.text() }))
    .catch((error: Error & { cause?: { code?: string } }) => error.cause?.code ?? error.message)

describe('a fault', () => {
  test('acts on all callers of a service, or on one edge', async () => {
    const mesh = await start(bank)
    using edge = mesh.chaos.abort('shop->payments', { status: 503 })
    expect(await pay(mesh)).toMatchObject({ status: 503 })
    expect((await mesh.call('orders', 'payments', '/charges', { json: {} })).status).toBe(200)
    edge.revert()
    using service = mesh.chaos.abort('payments', { status: 418 })
    expect(await pay(mesh)).toMatchObject({ status: 418 })
    expect((await mesh.call('orders', 'payments', '/charges', { json: {} })).status).toBe(418)
    expect([edge.hits, service.hits]).toEqual([1, 2])
    expect([edge.active, service.active]).toEqual([false, true])
  })

  test('ends with its block, by its handle, or by heal', async () => {
    const mesh = await start(bank)
    {
      using fault = mesh.chaos.outage('payments')
      expect(await pay(mesh)).toBe('ECONNREFUSED')
      expect(fault.active).toBe(true)
    }
    expect(await pay(mesh)).toMatchObject({ status: 200 })
    mesh.chaos.outage('payments')
    mesh.chaos.outage('catalog')
    mesh.chaos.heal('payments')
    expect(mesh.chaos.faults.map(({ target }) => target)).toEqual(['catalog'])
    mesh.chaos.heal()
    expect(mesh.chaos.faults).toEqual([])
    expect(mesh.journal.where({ type: 'fault.reverted' }).map(({ reason }) => reason)).toEqual(
      Array(3).fill('reverted'),
    )
  })

  test('ends after a number of hits', async () => {
    const mesh = await start(bank)
    const fault = mesh.chaos.abort('payments', { status: 500, times: 2 })
    const statuses = [await pay(mesh), await pay(mesh), await pay(mesh)]
    expect(statuses).toMatchObject([{ status: 500 }, { status: 500 }, { status: 200 }])
    expect(fault.hits).toBe(2)
    expect(mesh.journal.where({ type: 'fault.reverted' })).toMatchObject([{ reason: 'used-up', hits: 2 }])
  })

  test('hits only the calls that its condition names', async () => {
    const mesh = await start(bank)
    mesh.chaos.abort('payments', { when: (call) => call.headers.some(([name]) => name === 'x-tenant') })
    expect(await pay(mesh)).toMatchObject({ status: 200 })
    const response = await mesh.call('shop', 'payments', '/charges', { json: {}, headers: { 'X-Tenant': 'a' } })
    expect(response.status).toBe(503)
  })

  test('starts and ends by the clock', async () => {
    const mesh = await start(bank)
    const seen: unknown[] = []
    await mesh.simulate(async ({ sleep, now }) => {
      mesh.chaos.abort('payments', { afterMs: 1_000, forMs: 2_000 })
      for (let second = 0; second < 5; second++) {
        seen.push([now(), ((await pay(mesh)) as { status: number }).status])
        await sleep(750)
      }
    })
    expect(seen).toEqual([
      [0, 200],
      [750, 200],
      [1_500, 503],
      [2_250, 503],
      [3_000, 200],
    ])
  })

  test('is gone when the mesh stops, and says so', async () => {
    const mesh = await start(bank)
    mesh.chaos.outage('payments', { forMs: 3_600_000 })
    await mesh.stop()
    expect(mesh.journal.where({ type: 'fault.reverted' })).toMatchObject([{ reason: 'mesh-stopped' }])
  })

  test('hits the share of calls that was asked for, the same ones for the same seed', async () => {
    const hits = async (seed: number, percent: number) => {
      const mesh = await startMesh(bank, { seed, listen: false })
      mesh.chaos.abort('payments', { percent })
      const statuses: number[] = []
      for (let i = 0; i < 400; i++) statuses.push(((await pay(mesh)) as { status: number }).status)
      await mesh.stop()
      return statuses.map((status) => (status === 503 ? 1 : 0) as number)
    }
    const first = await hits(3, 30)
    expect(await hits(3, 30)).toEqual(first)
    expect(await hits(4, 30)).not.toEqual(first)
    const share = first.reduce((a, b) => a + b, 0) / first.length
    // Four standard deviations of a binomial with n = 400 and p = 0.3.
    expect(Math.abs(share - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 400))
  })

  test('decides by call, not by arrival: concurrency on another edge changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 5, maxLength: 30 }), async (disturb) => {
        const decisions = async (noise: boolean) => {
          const mesh = await startMesh(bank, { seed: 5, listen: false, transport: 'listeners' })
          mesh.chaos.abort('payments', { percent: 50 })
          mesh.chaos.abort('catalog', { percent: 50 })
          const results: unknown[] = []
          for (const also of disturb) {
            const other = noise && also ? mesh.call('shop', 'catalog', '/') : undefined
            results.push(((await pay(mesh)) as { status: number }).status)
            await other
          }
          await mesh.stop()
          return results
        }
        expect(await decisions(true)).toEqual(await decisions(false))
      }),
      { numRuns: 10 },
    )
  })
})

describe('what callers see', () => {
  test.each([
    ['outage', 'ECONNREFUSED', 0],
    ['reset', 'ECONNRESET', 0],
    ['truncate', 'terminated', 1],
  ] as const)('%s: %s', async (kind, expected, processed) => {
    const mesh = await start(bank)
    charges = 0
    mesh.chaos[kind]('payments')
    const seen = await pay(mesh)
    expect(seen === 'UND_ERR_SOCKET' ? 'terminated' : seen).toBe(expected)
    expect(charges).toBe(processed)
  })

  test('a reset in the middle of the body comes after the service has done its work', async () => {
    const mesh = await start(bank)
    charges = 0
    mesh.chaos.reset('payments', { at: 'mid-body' })
    const response = await mesh.call('shop', 'payments', '/charges', { json: {} })
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ECONNRESET' } })
    expect(charges).toBe(1)
  })

  test('a lost reply was processed, a hang was not; the caller notices no difference', async () => {
    const mesh = await start(bank)
    await mesh.simulate(async () => {
      for (const [kind, processed] of [
        ['loseReply', 1],
        ['hang', 0],
      ] as const) {
        charges = 0
        using _fault = mesh.chaos[kind]('payments')
        const response = await mesh.call('orders', 'payments', '/charges', { json: {} })
        expect(response.status).toBe(504)
        expect(response.headers.get('x-mesh-outcome')).toBe('timeout')
        expect(charges).toBe(processed)
      }
    })
  })

  test('a delayed request still arrives when its caller has given up', async () => {
    const mesh = await start(bank)
    await mesh.simulate(async ({ sleep }) => {
      charges = 0
      mesh.chaos.latency('orders->payments', { ms: 5_000 })
      expect((await mesh.call('orders', 'payments', '/charges', { json: {} })).status).toBe(504)
      expect(charges).toBe(0)
      await sleep(4_000)
      expect(charges).toBe(1)
    })
  })

  test('latency with jitter stays within its bounds', async () => {
    const mesh = await start(bank)
    await mesh.simulate(async ({ now }) => {
      mesh.chaos.latency('payments', { ms: 100, jitterMs: 40 })
      const waits: number[] = []
      for (let i = 0; i < 100; i++) {
        const before = now()
        await pay(mesh)
        waits.push(now() - before)
      }
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(60)
      expect(Math.max(...waits)).toBeLessThanOrEqual(140)
      expect(new Set(waits).size).toBeGreaterThan(50)
    })
  })

  test('a flapping service is up first, then down, then up', async () => {
    const mesh = await start(bank)
    await mesh.simulate(async ({ sleep }) => {
      mesh.chaos.flap('payments', { upMs: 200, downMs: 100 })
      const seen: unknown[] = []
      for (let i = 0; i < 6; i++) {
        const result = await pay(mesh)
        seen.push(typeof result === 'string' ? result : result.status)
        await sleep(100)
      }
      expect(seen).toEqual([200, 200, 'ECONNREFUSED', 200, 200, 'ECONNREFUSED'])
    })
  })

  test.each([
    ['both', 0],
    ['to', 0],
    ['from', 1],
  ] as const)('a partition with direction %s', async (direction, requestsArriving) => {
    const mesh = await start(bank)
    await mesh.simulate(async () => {
      charges = 0
      mesh.chaos.partition(['orders'], ['payments'], { direction })
      // The caller hears nothing in any case; what differs is whether the service did the work.
      expect((await mesh.call('orders', 'payments', '/charges', { json: {} })).status).toBe(504)
      expect(charges).toBe(requestsArriving)
      expect(await pay(mesh)).toMatchObject({ status: 200 })
    })
  })

  test('several faults act in the order in which they were injected', async () => {
    const mesh = await start(bank)
    await mesh.simulate(async ({ now }) => {
      mesh.chaos.latency('payments', { ms: 300 })
      mesh.chaos.abort('payments', { status: 500 })
      expect(await pay(mesh)).toMatchObject({ status: 500 })
      expect(now()).toBe(300)
    })
  })
})

describe('an answer in the service’s place', () => {
  test.each([
    [{}, 503, 'fault filter abort'],
    [{ status: 429, json: { retry: 'later' } }, 429, '{"retry":"later"}'],
    [{ text: 'closed for lunch' }, 503, 'closed for lunch'],
    [{ status: 204 }, 204, ''],
    [{ status: 304 }, 304, ''],
  ])('%j', async (options, status, body) => {
    const mesh = await start(bank)
    mesh.chaos.abort('payments', options)
    expect(await pay(mesh)).toEqual({ status, body })
  })

  test('has its own headers, and says nothing of a service that was never asked', async () => {
    const mesh = await start(bank)
    charges = 0
    mesh.chaos.abort('payments', { status: 429, headers: { 'retry-after': '3' } })
    const response = await mesh.call('shop', 'payments', '/charges', { json: {} })
    expect(response.headers.get('retry-after')).toBe('3')
    expect(charges).toBe(0)
    expect(mesh.edge('shop->payments').calls).toMatchObject([{ status: 429, via: 'fault' }])
  })
})

test('latency on the way back comes after the service has done its work', async () => {
  const mesh = await start(bank)
  await mesh.simulate(async ({ now, sleep }) => {
    charges = 0
    mesh.chaos.latency('payments', { ms: 5_000, leg: 'reply' })
    const pending = pay(mesh)
    await sleep(1)
    expect(charges).toBe(1)
    expect(await pending).toMatchObject({ status: 200 })
    expect(now()).toBe(5_000)
  })
})

describe('a broken connection', () => {
  test.each([
    ['truncate', {}, 'UND_ERR_SOCKET', 'closed'],
    ['reset', { at: 'mid-body' }, 'ECONNRESET', 'reset'],
  ] as const)('%s on an answer without a body comes before the headers', async (kind, options, code, outcome) => {
    const mesh = await start(bank)
    mesh.service('payments').reply('POST /charges', 204)
    mesh.chaos[kind]('payments', options)
    expect(await pay(mesh)).toBe(code)
    expect(mesh.edge('shop->payments').calls).toMatchObject([{ outcome }])
  })

  test('does not change a failure that comes from further in', async () => {
    const mesh = await start(bank)
    mesh.chaos.truncate('payments')
    mesh.chaos.outage('payments')
    expect(await pay(mesh)).toBe('ECONNREFUSED')
  })
})

test('a hanging call of a caller that is gone already is no call that hangs', async () => {
  const mesh = await start(bank)
  mesh.chaos.latency('payments', { ms: 20 })
  mesh.chaos.hang('payments')
  const gone = new AbortController()
  const pending = mesh.call('shop', 'payments', '/charges', { json: {}, signal: gone.signal })
  while (mesh.journal.where({ type: 'fault.hit' }).length === 0) await new Promise((resolve) => setImmediate(resolve))
  gone.abort()
  await expect(pending).rejects.toThrow()
  await mesh.settled()
})

test.each([
  [
    (mesh: Mesh) => mesh.chaos.latency('payments', 5 as never),
    'chaos.latency: expected an object of options, got 5 (number)\n  Write chaos.latency(target, { ms: 5 }).',
  ],
  [
    (mesh: Mesh) => mesh.chaos.latency('payments', { ms: 1, leg: 'both' as never }),
    'chaos.latency: expected `leg` to be "request" or "reply", got "both" (string)',
  ],
  [
    (mesh: Mesh) => mesh.chaos.reset('payments', { times: 0 }),
    'chaos.reset: expected `times` to be an integer >= 1, got 0 (number)',
  ],
  [
    (mesh: Mesh) => mesh.chaos.hang('payments', { when: true as never }),
    'chaos.hang: expected `when` to be a function of the call, got true (boolean)',
  ],
  [
    (mesh: Mesh) => mesh.chaos.partition(['orders'], ['payments'], { direction: 'up' as never }),
    'chaos.partition: expected `direction` to be "both", "to" or "from", got "up" (string)',
  ],
])('a bad option is refused: %s', async (inject, message) => {
  const mesh = (await start(bank)) as unknown as Mesh
  expect(() => inject(mesh)).toThrow(`${message}   [MESH_INVALID_OPTION]`)
  expect(mesh.chaos.faults).toEqual([])
})

test.each([
  ['latency', 'aborted', 1],
  ['hang', 'hung', 0],
  ['loseReply', 'hung', 1],
] as const)('the time-out of the code under test ends the call (%s: %s)', async (kind, outcome, processed) => {
  const mesh = await start(bank)
  await mesh.simulate(async ({ now, sleep }) => {
    charges = 0
    if (kind === 'latency') mesh.chaos.latency('payments', { ms: 5_000 })
    else mesh.chaos[kind]('payments')
    const signal = AbortSignal.timeout(1_000)
    await expect(fetch('http://payments/charges', { method: 'POST', signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    expect(now()).toBe(1_000)
    await sleep(1)
    const [call] = mesh.edge('shop->payments').calls
    expect(call).toMatchObject({ outcome, durationMs: 1_000 })
    expect(mesh.edge('shop->payments').stats.failures).toBe(1)
    // What was on its way goes on, and is waited for.
    if (kind === 'latency') expect(charges).toBe(0)
    await sleep(5_000)
    await mesh.settled()
    expect(charges).toBe(processed)
  })
})
