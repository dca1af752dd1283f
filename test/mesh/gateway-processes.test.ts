import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineMesh, startGateway } from '../../src/index.ts'
import type { Gateway } from '../../src/index.ts'

const shop = defineMesh({
  name: 'shop',
  services: { orders: { underTest: true, calls: { payments: {} } }, payments: {} },
})

const root = join(import.meta.dirname, '..', '..')
// Beside the installed packages, which are found by their names.
const bundle = join(root, 'node_modules', '.cache', 'meshwright', `gateway-${process.pid}.mjs`)
const script = (name: string) => join(root, 'test', 'support', name)

let gateway: Gateway
const children: ChildProcess[] = []

const spawn = (name: string, env: Record<string, string>) => {
  const child = fork(script(name), { env: { ...process.env, ...env }, execArgv: [] })
  children.push(child)
  return child
}
const startSut = async (env: Record<string, string> = {}) => {
  const child = spawn('gateway-sut.mjs', { ...gateway.env('orders'), ...env })
  const [url] = (await once(child, 'message')) as [string]
  return url
}

async function startWorker(name: string, sutUrl: string) {
  const child = spawn('gateway-worker.mjs', {
    WORKER: name,
    SUT_URL: sutUrl,
    MESHWRIGHT_GATEWAY: gateway.url,
    MESHWRIGHT_BUNDLE: bundle,
  })
  let last = 0
  const ask = (task: string, input?: unknown) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++last
      const hear = (message: { id?: number; result?: unknown }) => {
        if (message.id !== id) return
        child.off('message', hear)
        resolve(message.result)
      }
      child.on('message', hear)
      child.once('exit', () => reject(new Error(`worker ${name} has ended`)))
      child.send({ id, task, input })
    })
  await once(child, 'message')
  return {
    child,
    fault: (kind: string, ...options: unknown[]) => ask('fault', [kind, ...options]),
    orders: (ids: readonly string[]) =>
      ask('orders', ids) as Promise<{ status: number; text: string; error?: string }[]>,
    seen: () => ask('seen') as Promise<string[]>,
    stop: () => ask('stop') as Promise<string[]>,
  }
}

beforeAll(() => {
  mkdirSync(join(bundle, '..'), { recursive: true })
  buildSync({
    entryPoints: [join(root, 'src', 'index.ts')],
    outfile: bundle,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  })
})
afterAll(() => rmSync(bundle, { force: true }))
beforeEach(async () => {
  gateway = await startGateway(shop)
})
afterEach(async () => {
  for (const child of children.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await gateway.close()
})

const ids = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i}`)

describe('one system under test and a worker for each of two tests', () => {
  test.each(['baggage', 'traceparent'])('keeps them apart when it forwards its %s', async (forwarded) => {
    const sut = await startSut({ FORWARD: forwarded })
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => startWorker(name, sut)))
    await a!.fault('abort', 'payments', { status: 402 })
    await b!.fault('truncate', 'payments')
    const all = [a!, b!, c!]
    const [ofA, ofB, ofC] = await Promise.all(all.map((worker, i) => worker.orders(ids(String(i), 40))))

    expect(new Set(ofA!.map(({ status }) => status))).toEqual(new Set([402]))
    // Half of the body, and then the end of the connection: to the byte in each of them.
    expect(new Set(ofB!.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ status: 502, error: 'ECONNRESET', text: '{"by"' })]),
    )
    expect(new Set(ofC!.map(({ status, text }) => `${status} ${text}`))).toEqual(new Set(['200 {"by":"c"}']))
    for (const [i, worker] of all.entries())
      expect((await worker.seen()).toSorted()).toEqual(ids(String(i), 40).toSorted())
    for (const worker of all) expect(await worker.stop()).toEqual([])
    expect(await gateway.close()).toEqual({ relayed: 120, unroutable: 0 })
  })

  test('says so when it forwards nothing', async () => {
    const sut = await startSut({ FORWARD: 'nothing' })
    const [a, b] = await Promise.all([startWorker('a', sut), startWorker('b', sut)])
    const [answer] = await a.orders(['1'])
    expect(answer).toMatchObject({ status: 421, text: expect.stringContaining('forward `baggage` or `traceparent`') })
    expect([...(await a.seen()), ...(await b.seen())]).toEqual([])
    await b.stop()
    expect(await a.orders(['2'])).toMatchObject([{ status: 200, text: '{"by":"a"}' }])
  })

  test('forgets a worker that was killed', async () => {
    const sut = await startSut()
    const [a, b] = await Promise.all([startWorker('a', sut), startWorker('b', sut)])
    expect(gateway.meshes).toBe(2)
    a.child.kill('SIGKILL')
    await expect.poll(() => gateway.meshes).toBe(1)
    expect(await b.orders(['1'])).toMatchObject([{ status: 200, text: '{"by":"b"}' }])
  })
})
