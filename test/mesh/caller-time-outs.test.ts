import http from 'node:http'
import axios from 'axios'
import { describe, expect, test, vi } from 'vitest'
import { timedOut } from '../../src/verdict/index.ts'
import { defineMesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()

const definition = defineMesh({
  name: 'shop',
  services: {
    app: { underTest: true, calls: { gateway: {} } },
    gateway: { url: 'http://gateway.test' },
  },
})

const url = 'http://gateway.test/orders'
const timeout = 200

/** Clients with a time-out of their own; each rejects as soon as its user learns of it. */
const clients: Record<string, () => Promise<unknown>> = {
  fetch: () => fetch(url, { signal: AbortSignal.timeout(timeout) }),
  axios: () => axios.get(url, { timeout }),
  'http.request': () =>
    new Promise((resolve, reject) => {
      const request = http.request(url, { timeout }, resolve)
      request.on('timeout', () => {
        request.destroy()
        reject(new Error('timed out'))
      })
      request.on('error', reject)
      request.end()
    }),
}

const startShop = () => start(definition)
type ShopMesh = Awaited<ReturnType<typeof startShop>>

const faults = {
  latency: (mesh: ShopMesh) => mesh.chaos.latency('gateway', { ms: 1_000 }),
  hang: (mesh: ShopMesh) => mesh.chaos.hang('gateway'),
}

describe.each(Object.entries(clients))('a time-out of %s', (_name, get) => {
  describe.each(Object.entries(faults))('under %s', (_fault, inject) => {
    test('is known at once in real time', async () => {
      const mesh = await startShop()
      inject(mesh)
      await expect(get()).rejects.toThrow()
      expect(timedOut(mesh.edge('app->gateway'), { times: 1 })).toMatchObject({ ok: true })
      await mesh.settled()
      expect(timedOut(mesh.edge('app->gateway'), { times: 1 })).toMatchObject({ ok: true })
    })

    test('is known at once in virtual time', async () => {
      const mesh = await startShop()
      inject(mesh)
      await mesh.simulate(async () => {
        await expect(get()).rejects.toThrow()
        expect(timedOut(mesh.edge('app->gateway'), { times: 1 })).toMatchObject({ ok: true })
      })
    })
  })

  test('does not show on a call that was answered', async () => {
    const mesh = await startShop()
    await get()
    await mesh.settled()
    expect(mesh.journal.where({ type: 'call.given-up' })).toEqual([])
  })
})

test('a client that closes its connection after the whole answer has given up nothing', async () => {
  const mesh = await startShop()
  await new Promise<void>((resolve, reject) => {
    const request = http.get(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      response.resume()
      response.on('end', () => {
        request.destroy()
        resolve()
      })
    })
    request.on('error', reject)
  })
  await mesh.settled()
  expect(mesh.journal.where({ type: 'call.given-up' })).toEqual([])
  expect(timedOut(mesh.edge('app->gateway'), {})).toMatchObject({ ok: false })
})

test('a mesh that stops is no caller that gives up', async () => {
  const mesh = await startShop()
  mesh.chaos.hang('gateway')
  const failure = fetch(url).catch((error: unknown) => error)
  await vi.waitFor(() => expect(mesh.journal.where({ type: 'attempt.started' })).toHaveLength(1))
  await mesh.stop()
  expect(await failure).toBeInstanceOf(Error)
  expect(mesh.journal.where({ type: 'call.given-up' })).toEqual([])
})
