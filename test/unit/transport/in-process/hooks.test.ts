import { channel } from 'node:diagnostics_channel'
import http, { Agent } from 'node:http'
import https from 'node:https'
import net, { connect, createConnection } from 'node:net'
import tls from 'node:tls'
import { http as mswHttp, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { describe, expect, test, vi } from 'vitest'
import { openInProcess } from '../../../../src/transport/in-process/open.ts'
import { clients, send } from '../../../support/clients.ts'
import { fakeDoor } from '../../../support/fake-door.ts'
import { listen } from '../../../support/own-msw.ts'

const patched: [object, string][] = [
  [net, 'connect'],
  [net, 'createConnection'],
  [tls, 'connect'],
  [Agent.prototype, 'createConnection'],
  [Agent.prototype, 'addRequest'],
]
const untouched: [object, string][] = [
  [globalThis, 'fetch'],
  [http, 'request'],
  [http, 'ClientRequest'],
  [https, 'request'],
  [https.Agent.prototype, 'createConnection'],
]
const describeAll = (list: [object, string][]) => list.map(([on, key]) => Object.getOwnPropertyDescriptor(on, key))
const channels = ['create', 'trailers', 'error'].map((name) => channel(`undici:request:${name}`))
const services = { orders: 'http://orders', shop: 'https://orders.shop.test' }

describe('what is patched', () => {
  test('is restored exactly by the last close, which may be called again', async () => {
    const before = describeAll(patched)
    const others = describeAll(untouched)
    const subscribed = channels.map((it) => it.hasSubscribers)
    const first = openInProcess(fakeDoor(services))
    const second = openInProcess(fakeDoor(services))
    const during = describeAll(patched)
    for (const [i, descriptor] of during.entries()) expect(descriptor).not.toEqual(before[i])
    expect(describeAll(untouched)).toEqual(others)
    expect(net.connect).toHaveProperty('name', 'connect')
    await first.close()
    await first.close()
    expect(describeAll(patched)).toEqual(during)
    await second.close()
    await second.close()
    expect(describeAll(patched)).toEqual(before)
    expect(channels.map((it) => it.hasSubscribers)).toEqual(subscribed)
    expect(Reflect.ownKeys(globalThis)).not.toContain(Symbol.for('meshwright/in-process'))
  })

  test('is what named imports give, too', async () => {
    const original = net.connect
    const { close } = openInProcess(fakeDoor(services))
    expect(connect).toBe(net.connect)
    expect(connect).not.toBe(original)
    await close()
    expect([connect, createConnection]).toEqual([original, original])
  })

  test('by someone else on top of ours stays theirs, and ours passes on', async () => {
    const original = net.connect
    const door = fakeDoor(services)
    const { close } = openInProcess(door)
    const ours = net.connect
    const theirs = ((...args: [net.NetConnectOpts]) => ours(...args)) as typeof net.connect
    net.connect = theirs
    await close()
    expect(net.connect).toBe(theirs)
    await expect(fetch('http://orders.invalid/')).rejects.toThrow('fetch failed')
    const again = openInProcess(door)
    expect(await clients.fetch('http://orders/')).toContain('GET')
    await again.close()
    expect(net.connect).toBe(theirs)
    net.connect = original
  })

  test('is shared by all copies of the package', async () => {
    const door = fakeDoor(services)
    const other = fakeDoor(services)
    const mine = openInProcess(door)
    const during = describeAll(patched)
    // A second copy finds what the first one left under the registered symbol.
    const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('meshwright/in-process')] as {
      open: typeof openInProcess
    }
    const theirs = shared.open(other, {})
    expect(describeAll(patched)).toEqual(during)
    await clients.fetch('http://orders/')
    await mine.close()
    await clients.fetch('http://orders/')
    await theirs.close()
    expect([door.received.length, other.received.length]).toEqual([0, 2])
  })
})

describe('next to the user’s own MSW', () => {
  const msw = setupServer(mswHttp.get('http://users.test/', () => HttpResponse.text('from msw')))
  const orders: Record<string, (door: ReturnType<typeof fakeDoor>) => { close(): Promise<void> }> = {
    'which listens before the mesh opens': (door) => {
      listen(msw)
      return openInProcess(door)
    },
    'which listens after the mesh has opened': (door) => {
      const opened = openInProcess(door)
      listen(msw)
      return opened
    },
  }
  for (const [order, open] of Object.entries(orders))
    for (const client of ['fetch', 'http.request', 'axios'] as const)
      test(`${order}: ${client}`, async () => {
        const door = fakeDoor(services)
        const { close } = open(door)
        try {
          expect(await clients[client]('http://users.test/')).toBe('from msw')
          expect(JSON.parse(await clients[client]('http://orders/a'))).toMatchObject({ path: '/a', door: door.id })
          expect(JSON.parse(await clients[client]('https://orders.shop.test/b'))).toMatchObject({ path: '/b' })
          expect(door.received[0]!.headers.map(([name]) => name)).not.toContain('x-meshwright-scope')
        } finally {
          msw.close()
          await close()
        }
      })
})

test('nothing keeps the process alive after close', async () => {
  const door = fakeDoor(services)
  // Clients hold things of their own from their first use on.
  const use = async () => {
    const { close } = openInProcess(door)
    await Promise.all([fetch('http://orders/').then((it) => it.text()), send('https://orders.shop.test/')])
    await close()
  }
  await use()
  const before = process.getActiveResourcesInfo()
  await use()
  // The test runner's own timers and pipes come and go meanwhile; what counts is whether anything of ours is left.
  await vi.waitFor(() => expect(process.getActiveResourcesInfo().sort()).toEqual(before.sort()))
})
