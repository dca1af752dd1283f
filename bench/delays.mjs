/** How close simulated delays come to what was drawn, and what that costs: Node's setTimeout against the mesh's clock. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineMesh, http, HttpResponse, startMesh, uniform } from '../dist/esm/src/index.js'
import { createRealClock } from '../dist/esm/src/time/real-clock.js'
import { cpuTime, median, report } from './measure.mjs'

const rounds = Number(process.env.BENCH_ROUNDS ?? 4)
const seconds = 2
const rates = [50, 1_000]

/** Calls `send` so often that `perSecond` are sent in each second, and waits for all of them. */
async function openLoop(perSecond, forSeconds, send) {
  const total = perSecond * forSeconds
  const startedAt = performance.now()
  const sent = []
  while (sent.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000) + 1)
    while (sent.length < due) sent.push(send(sent.length))
    await sleep(1)
  }
  await Promise.all(sent)
}

/** Always the same delays: the golden ratio spreads them evenly from 5 to 50 ms. */
const delayOf = (nth) => 5 + 45 * ((nth * 0.6180339887498949) % 1)

async function errorsOf(wait, perSecond) {
  const errors = []
  const spent = cpuTime()
  const startedAt = performance.now()
  await openLoop(perSecond, seconds, async (nth) => {
    const ms = delayOf(nth)
    const at = performance.now()
    await wait(ms)
    errors.push(performance.now() - at - ms)
  })
  return { errors, cpu: spent() / (performance.now() - startedAt) }
}

async function waits() {
  const clock = createRealClock()
  const ways = { 'setTimeout of Node': sleep, 'the clock of the mesh': (ms) => clock.sleep(ms) }
  const results = []
  for (const perSecond of rates)
    for (const way of Object.keys(ways)) results.push({ way, perSecond, errors: [], cpus: [] })
  for (let round = 0; round <= rounds; round++)
    for (const result of round % 2 ? results.toReversed() : results) {
      const { errors, cpu } = await errorsOf(ways[result.way], result.perSecond)
      if (round === 0) continue
      result.errors.push(...errors)
      result.cpus.push(cpu)
    }
  return results.map(({ way, perSecond, errors, cpus }) => {
    const sorted = errors.map(Math.abs).sort((a, b) => a - b)
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
    const share = (is) => errors.filter(is).length / errors.length
    return {
      way,
      perSecond,
      cpu: median(cpus),
      within: share((ms) => Math.abs(ms) <= 1),
      early: share((ms) => ms < 0),
      p50: at(0.5),
      p99: at(0.99),
      worst: sorted.at(-1),
    }
  })
}

/** What the processor does while a single wait of ten seconds, a hang say, is under way. */
async function idle() {
  const clock = createRealClock()
  const stop = new AbortController()
  const asleep = clock.sleep(10_000, stop.signal)
  await sleep(50)
  const spent = cpuTime()
  await sleep(1_000)
  const cpu = spent() / 1_000
  stop.abort()
  await asleep
  return cpu
}

/** Over sockets: another process sends a thousand requests in a second to a service with these response times. */
async function listener() {
  const shop = defineMesh({
    name: 'shop',
    services: {
      storefront: { underTest: true, calls: { catalog: {} } },
      catalog: {
        handlers: [http.get('/items/:id', () => HttpResponse.json({ ok: true }))],
        responseTime: uniform({ minMs: 5, maxMs: 50 }),
      },
    },
  })
  const mesh = await startMesh(shop, { seed: 7, transport: 'listeners' })
  const client = fork(import.meta.filename, ['client', mesh.url('catalog'), String(rounds * seconds)], {
    execArgv: [],
  })
  await once(client, 'exit')
  await mesh.stop()
  const { waits, withinOneMs, p50LateMs, p99LateMs, maxLateMs, early } = mesh.fidelity()
  return { waits, withinOneMs, p50LateMs, p99LateMs, maxLateMs, early }
}

if (process.argv[2] === 'client') {
  const [, , , url, forSeconds] = process.argv
  const agent = new Agent({ keepAlive: true, maxSockets: 200 })
  await openLoop(1_000, Number(forSeconds), async (nth) => {
    const [response] = await once(get(`${url}/items/${nth}`, { agent }), 'response')
    response.resume()
    await once(response, 'end')
  })
  agent.destroy()
  process.disconnect?.()
} else report({ waits: await waits(), idleCpu: await idle(), listener: await listener() })
