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
import { describe, expect, test } from 'vitest'
import { matchers } from '../../matchers/index.ts'
import { defineMesh, http, HttpResponse, lognormal, startMesh, withReal } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { checkout, shop } from '../support/shop.ts'

expect.extend(matchers)
const start = meshes()

async function checkoutEverySecondFor(ms: number): Promise<void> {
  const end = Date.now() + ms
  while (Date.now() < end) {
    await checkout('XYZ123', 1)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

const gateway = defineMesh({
  name: 'gateway',
  services: {
    shop: { underTest: true, calls: { payments: {} } },
    payments: {
      handlers: [http.post('/charges', () => HttpResponse.json({ ok: true }))],
      responseTime: lognormal({ medianMs: 20, p99Ms: 200 }),
    },
  },
})

/** Code under test with policies of its own, which know nothing of the mesh. */
function chargeClient() {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: 20_000, breaker: new ConsecutiveBreaker(5) })
  const policy = wrap(
    retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff({ initialDelay: 100 }) }),
    breaker,
    timeout(1_000, TimeoutStrategy.Aggressive),
  )
  const charge = () =>
    policy.execute(async ({ signal }) => {
      const response = await fetch('http://payments/charges', { method: 'POST', signal })
      await response.arrayBuffer()
      return response.status
    })
  return { breaker, charge }
}

async function fortyMinutes(): Promise<{ jsonl: string; paid: number; refused: number }> {
  const mesh = await startMesh(gateway, { seed: 11 })
  try {
    let paid = 0
    let refused = 0
    await mesh.simulate(async ({ sleep, now }) => {
      const { breaker, charge } = chargeClient()
      mesh.observe('shop->payments', breaker)
      mesh.chaos.hang('payments', { afterMs: 5 * 60_000, forMs: 30 * 60_000 })
      while (now() < 40 * 60_000) {
        await charge().then(
          () => paid++,
          () => refused++,
        )
        await sleep(5_000)
      }
    })
    return { jsonl: mesh.journal.toJSONL(), paid, refused }
  } finally {
    await mesh.stop()
  }
}

// Real time depends on the machine and on what else it does; nothing here is about speed.
describe('mesh.simulate', { timeout: 120_000 }, () => {
  test('half an hour of outage takes no time, for the mesh and for the code under test', async () => {
    const mesh = await start(shop)
    await mesh.simulate(async ({ now }) => {
      mesh.chaos.outage('payments', { forMs: 30 * 60_000 })
      await checkoutEverySecondFor(40 * 60_000)
      expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
      expect(now()).toBeGreaterThanOrEqual(40 * 60_000)
    })
    expect(mesh.clock.mode).toBe('real')
  })

  test('the same seed gives the same journal, byte for byte', async () => {
    const first = await fortyMinutes()
    const second = await fortyMinutes()
    expect(second.jsonl).toBe(first.jsonl)
    expect(first.paid).toBeGreaterThan(50)
    expect(first.refused).toBeGreaterThan(200)
  })

  test('four simulations at once do not disturb each other', async () => {
    const alone = await fortyMinutes()
    const together = await Promise.all([fortyMinutes(), fortyMinutes(), fortyMinutes(), fortyMinutes()])
    for (const { jsonl } of together) expect(jsonl === alone.jsonl).toBe(true)
  })

  test('another seed gives another journal', async () => {
    const run = async (seed: number) => {
      const mesh = await start(gateway, { seed })
      await mesh.simulate(async () => (await fetch('http://payments/charges', { method: 'POST' })).arrayBuffer())
      return mesh.journal.hash()
    }
    expect(await run(1)).not.toBe(await run(2))
  })

  test('a call that can never end is an instant, explained deadlock', async () => {
    const mesh = await start(gateway)
    mesh.chaos.hang('payments')
    await expect(mesh.simulate(() => fetch('http://payments/charges', { method: 'POST' }))).rejects.toThrow(
      /shop->payments {2}POST \/charges[\s\S]*MESH_DEADLOCK/,
    )
  })

  test('faults injected in a simulation end with it', async () => {
    const mesh = await start(gateway)
    await mesh.simulate(() => void mesh.chaos.outage('payments', { forMs: 60_000 }))
    expect(mesh.chaos.faults).toEqual([])
    expect((await fetch('http://payments/charges', { method: 'POST' })).status).toBe(200)
  })
})

describe('real work inside a simulation', () => {
  test('a real service behind the mesh is waited for; its answer takes no virtual time', async () => {
    const { createServer } = await import('node:http')
    const server = createServer((_, response) => void setTimeout(() => response.end('{"real":true}'), 30))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const mesh = await start(gateway)
    mesh.service('payments').forwardTo(`http://127.0.0.1:${(server.address() as import('node:net').AddressInfo).port}`)
    await mesh.simulate(async ({ now }) => {
      const before = now()
      const response = await mesh.call('shop', 'payments', '/charges', { json: {} })
      expect(await response.json()).toEqual({ real: true })
      // The response time that the definition gives the service still passes.
      expect(now() - before).toBeLessThan(1_000)
    })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('withReal runs code in real time, and the clock stands meanwhile', async () => {
    const mesh = await start(gateway)
    await mesh.simulate(async ({ now }) => {
      const realMs = await withReal(async () => {
        const before = Date.now()
        await new Promise((resolve) => setTimeout(resolve, 5))
        return Date.now() - before
      })
      expect(realMs).toBeGreaterThan(0)
      expect(now()).toBe(0)
    })
  })

  test('what code under test draws from Math.random is seeded, and is no decision of the mesh', async () => {
    const mesh = await start(
      defineMesh({ name: 'calm', services: { app: { underTest: true, calls: { api: {} } }, api: {} } }),
    )
    const drawn = await mesh.simulate(async () => {
      await (await fetch('http://api/')).text()
      return Math.random()
    })
    expect(drawn).toBeGreaterThanOrEqual(0)
    expect(mesh.facts().chance).toBe(false)
  })
})
