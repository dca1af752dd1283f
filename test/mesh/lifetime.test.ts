import { execFile } from 'node:child_process'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import timers from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { startMesh } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { checkout, shop } from '../support/shop.ts'

/** Everything that a mesh or a simulation may have its hands on. */
function globalsOf() {
  const places: [object, string[]][] = [
    [
      globalThis,
      ['fetch', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'Date', 'queueMicrotask'],
    ],
    [net, ['connect', 'createConnection', 'Socket']],
    [tls, ['connect']],
    [http, ['request', 'get', 'Agent', 'ClientRequest', 'globalAgent']],
    [https, ['request', 'get', 'Agent', 'globalAgent']],
    [http.Agent.prototype, ['createConnection', 'addRequest', 'createSocket']],
    [https.Agent.prototype, ['createConnection', 'addRequest']],
    [timers, ['setTimeout', 'setInterval']],
    [AbortSignal, ['timeout', 'any']],
    [performance, ['now']],
    [process, ['hrtime', 'nextTick']],
    [Math, ['random']],
    [globalThis.crypto, ['randomUUID', 'getRandomValues']],
  ]
  return places.flatMap(([place, keys]) =>
    keys.map((key) => [key, Object.getOwnPropertyDescriptor(place, key)] as const),
  )
}

/** Of the addresses, and of the proxy. */
const portsOf = (mesh: Mesh) => [
  ...new Set(Object.values(mesh.env('storefront')).filter((value) => value.startsWith('http://'))),
]

async function expectNothingLeft(mesh: Mesh, urls: string[], before: ReturnType<typeof globalsOf>): Promise<void> {
  await mesh.stop()
  expect(globalsOf()).toEqual(before)
  for (const url of urls) await expect(fetch(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  expect(mesh.chaos.faults).toEqual([])
  expect(mesh.journal.entries.at(-1)?.type).toBe('mesh.stopped')
}

const begin = async () => (await startMesh(shop, { seed: 7 })) as unknown as Mesh

/** Runs a script that forgets to stop its mesh. */
async function runForgetful(script: string): Promise<{ out: string; isOver: boolean }> {
  const begin = `
    import { defineMesh, startMesh } from ${JSON.stringify(new URL('../../dist/esm/src/index.js', import.meta.url).href)}
    const services = { app: { underTest: true, calls: { shop: { timeoutMs: 5000 } } }, shop: { responseTime: 50 } }
    const mesh = await startMesh(defineMesh({ name: 'forgetful', services }))
  `
  return new Promise((resolve) => {
    const args = ['--input-type=module', '--eval', begin + script]
    execFile(process.execPath, args, { timeout: 15_000 }, (error, out, err) =>
      resolve({ out: out + err, isOver: !error?.killed }),
    )
  })
}

describe('a mesh that nobody stops', () => {
  test('lets its process end', async () => {
    const script = `console.log((await fetch(mesh.url('shop'))).status)`
    expect(await runForgetful(script)).toEqual({ out: '200\n', isOver: true })
  })

  test('answers a child to its end', async () => {
    const script = `
      import { spawn } from 'node:child_process'
      const child = 'fetch(process.env.SHOP_URL).then(({ status }) => console.log(status))'
      spawn(process.execPath, ['-e', child], { stdio: 'inherit', env: { ...process.env, ...mesh.env('app') } })
    `
    expect(await runForgetful(script)).toEqual({ out: '200\n', isOver: true })
  })

  test('does not outlive clients that hang up in the moment in which an outage resets them', async () => {
    const script = `
      import net from 'node:net'
      const { port } = new URL(mesh.url('shop'))
      const knock = () => new Promise((resolve) => {
        const socket = net.connect(Number(port), '127.0.0.1', () => resolve(socket.destroy()))
        socket.once('error', resolve)
      })
      for (let round = 0; round < 12; round++) {
        const fault = mesh.chaos.outage('shop')
        if (round % 2) await knock()
        fault.revert()
        await null
        await knock()
      }
      await mesh.stop()
      console.log('stopped')
    `
    expect(await runForgetful(script)).toEqual({ out: 'stopped\n', isOver: true })
  })
})

describe('after a mesh has stopped', () => {
  test('nothing is patched and no port is open', async () => {
    const before = globalsOf()
    const mesh = await begin()
    const urls = portsOf(mesh)
    expect(urls.length).toBe(2)
    await checkout('A', 1)
    await expectNothingLeft(mesh, urls, before)
  })

  test('nothing is left of a call that hangs', async () => {
    const before = globalsOf()
    const mesh = await begin()
    const urls = portsOf(mesh)
    mesh.chaos.hang('orders')
    const pending = checkout('A', 1).catch((error: Error) => error)
    const overSockets = fetch(`${urls[0]}/orders`, { method: 'POST' }).catch((error: Error) => error)
    while (mesh.journal.where({ type: 'fault.hit' }).length < 2) await timers.setTimeout(1)
    await expectNothingLeft(mesh, urls, before)
    expect(await pending).toBeInstanceOf(Error)
    expect(await overSockets).toBeInstanceOf(Error)
  })

  test('nothing is left of a gate that nobody released', async () => {
    const before = globalsOf()
    const mesh = await begin()
    const gate = mesh.hold('orders->payments')
    const pending = checkout('A', 1).catch((error: Error) => error)
    await gate.arrived()
    await expectNothingLeft(mesh, [], before)
    await pending
  })

  test('nothing is left of a simulation that threw', async () => {
    const before = globalsOf()
    const mesh = await begin()
    const broken = mesh.simulate(async ({ sleep }) => {
      mesh.chaos.outage('payments', { forMs: 60_000 })
      setInterval(() => {}, 1_000)
      await sleep(5_000)
      throw new Error('the scenario failed')
    })
    await expect(broken).rejects.toThrow('the scenario failed')
    await expectNothingLeft(mesh, [], before)
  })

  test('no timer is left of a long outage or of a long delay', async () => {
    const timeouts = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timeouts()
    const mesh = await begin()
    mesh.chaos.outage('payments', { afterMs: 3_600_000, forMs: 3_600_000 })
    mesh.chaos.latency('orders', { ms: 3_600_000 })
    const pending = checkout('A', 1).catch((error: Error) => error)
    while (mesh.journal.where({ type: 'fault.hit' }).length < 1) await timers.setTimeout(1)
    await mesh.stop()
    await pending
    expect(timeouts()).toBeLessThanOrEqual(before)
  })

  test('two meshes with the same hosts: the one that is left still answers', async () => {
    const before = globalsOf()
    const first = await begin()
    const second = await begin()
    second.service('catalog').reply('/*', { json: { price: 1 } })
    expect(await second.run(() => checkout('A', 1))).toMatchObject({ status: 200 })
    await second.stop()
    expect(await checkout('A', 1)).toMatchObject({ status: 200 })
    expect(first.edge('storefront->orders').calls).toHaveLength(1)
    await expectNothingLeft(first, [], before)
  })

  test('a mesh in a block is stopped at its end', async () => {
    const before = globalsOf()
    let mesh: Mesh
    {
      await using running = await startMesh(shop)
      mesh = running as unknown as Mesh
      await checkout('A', 1)
    }
    expect(mesh.journal.entries.at(-1)?.type).toBe('mesh.stopped')
    expect(globalsOf()).toEqual(before)
  })

  test('a request made just before is refused, and does not reach for the network', async () => {
    const before = globalsOf()
    const mesh = await begin()
    const late = fetch('https://orders.shop.test/orders', { method: 'POST' }).catch((error: Error) => error)
    await expectNothingLeft(mesh, [], before)
    expect(await late).toMatchObject({
      name: 'TypeError',
      cause: { code: expect.stringMatching(/ECONNREFUSED|UND_ERR_SOCKET|ECONNRESET/) },
    })
  })
})
