import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { defineMesh, htmlReport, textReport } from '../../src/index.ts'
import type { Entry, Mesh } from '../../src/index.ts'
import { toHaveCallCount } from '../../matchers/toHaveCallCount.ts'
import { toHaveReceived } from '../../matchers/toHaveReceived.ts'
import { byteServers } from '../support/byte-servers.ts'
import { meshes } from '../support/meshes.ts'
import { tcpHandles } from '../support/tcp-handles.ts'

const start = meshes()
const { serve, dial, attempt } = byteServers()

const cached = (upstream: string) =>
  defineMesh({
    name: 'cached',
    services: {
      app: { underTest: true, calls: { redis: {} } },
      worker: { underTest: true, calls: { redis: {} } },
      redis: { tcp: true, upstream },
    },
  })

const closed = (mesh: Mesh): Entry<'connection.closed'>[] => mesh.journal.where({ type: 'connection.closed' })

/** Resolves when so many connections are over. */
const overOf = (mesh: Mesh, count: number) =>
  new Promise<Entry<'connection.closed'>[]>((resolve) => {
    const look = () => closed(mesh).length >= count && resolve(closed(mesh))
    mesh.journal.subscribe(look, ['connection.closed'])
    look()
  })

const elapsedMs = async (work: Promise<unknown>) => {
  const startMs = performance.now()
  await work
  return performance.now() - startMs
}

describe('a service with tcp: true', () => {
  test('is reached at an address of each caller, and told in the environment', async () => {
    const mesh = await start(cached((await serve()).url))
    const url = mesh.url('redis')
    expect(url).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
    expect(mesh.url('redis', { from: 'worker' })).not.toBe(url)
    expect(mesh.env('app')).toMatchObject({
      REDIS_URL: url,
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: new URL(url).port,
    })
  })

  test('gets the bytes of the client and the client gets its own, with both ends of the stream', async () => {
    const { url } = await serve((socket) => {
      const parts: Buffer[] = []
      socket.on('data', (part: Buffer) => parts.push(part))
      // Half-closed: the client has ended, and still gets its answer.
      socket.on('end', () => socket.end(`${Buffer.concat(parts).toString()} back`))
    })
    const mesh = await start(cached(url))
    const client = await dial(mesh.url('redis'))
    client.socket.end('there and')
    expect(await client.ending).toBe('FIN')
    expect(client.received().toString()).toBe('there and back')
    expect(await overOf(mesh, 1)).toMatchObject([
      { connection: 'c1', edge: 'app->redis', outcome: 'ended', bytesSent: 9, bytesReceived: 14 },
    ])
  })

  test('may speak and end first', async () => {
    const { url } = await serve((socket) => {
      socket.end('+OK ready')
      socket.resume()
    })
    const mesh = await start(cached(url))
    const client = await dial(mesh.url('redis'))
    expect(await client.ending).toBe('FIN')
    expect(client.received().toString()).toBe('+OK ready')
    expect(mesh.edge('app->redis').connections).toMatchObject([{ isOpen: true, bytesReceived: 9 }])
    client.socket.end()
    expect(await overOf(mesh, 1)).toMatchObject([{ outcome: 'ended' }])
    expect(mesh.edge('app->redis').connections).toEqual([
      { id: 'c1', isOpen: false, outcome: 'ended', bytesSent: 0, bytesReceived: 9 },
    ])
  })

  test('that tears a connection down does so to the client', async () => {
    const { url } = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const mesh = await start(cached(url))
    const client = await dial(mesh.url('redis'))
    client.socket.write('die')
    expect(await client.ending).toBe('ECONNRESET')
    expect(await overOf(mesh, 1)).toMatchObject([{ outcome: 'service-reset' }])
  })

  test('is told of a client that vanishes', async () => {
    let tell = (_code: string) => {}
    const broken = new Promise<string>((resolve) => (tell = resolve))
    const { url } = await serve((socket) => {
      socket.once('data', () => socket.write('half an ans'))
      socket.once('error', (error: NodeJS.ErrnoException) => tell(error.code!))
    })
    const mesh = await start(cached(url))
    const client = await dial(mesh.url('redis'))
    client.socket.write('half a comm')
    await client.bytes(11)
    client.socket.resetAndDestroy()
    expect(await broken).toBe('ECONNRESET')
    expect(await overOf(mesh, 1)).toMatchObject([{ outcome: 'client-reset' }])
  })

  test('that is down resets the client, and the journal tells why', async () => {
    const server = await serve()
    const mesh = await start(cached(server.url))
    await server.close()
    const client = attempt(mesh.url('redis'))
    expect(await client.ending).toBe('ECONNRESET')
    expect(await overOf(mesh, 1)).toMatchObject([
      { outcome: 'unreachable', message: expect.stringContaining('ECONNREFUSED') },
    ])
  })

  test('is another one after forwardTo, for new connections', async () => {
    const first = await serve((socket) => socket.on('data', () => socket.write('1')))
    const second = await serve((socket) => socket.on('data', () => socket.write('2')))
    const mesh = await start(cached(first.url))
    const old = await dial(mesh.url('redis'))
    old.socket.write('?')
    await old.bytes(1)
    mesh.service('redis').forwardTo(second.url)
    const fresh = await dial(mesh.url('redis'))
    for (const client of [old, fresh]) client.socket.write('?')
    expect((await fresh.bytes(1)).toString()).toBe('2')
    expect((await old.bytes(2)).toString()).toBe('11')
  })

  test('stands in the reports with its connections', async () => {
    const mesh = await start(cached((await serve()).url))
    const client = await dial(mesh.url('redis'))
    client.socket.end('hello')
    await overOf(mesh, 1)
    await dial(mesh.url('redis'))
    await expect.poll(() => mesh.edge('app->redis').connections.length).toBe(2)
    expect(textReport(mesh)).toContain(
      '== connections\n  app->redis: 2 connections, 1 open, ended 1, 5 bytes sent, 5 bytes received\n  worker->redis: 0 connections\n',
    )
    expect(htmlReport(mesh)).toContain('<td>app-&gt;redis</td>')
  })

  test('takes a port of your choice, for any caller', async () => {
    const mesh = await start(
      defineMesh({
        name: 'm',
        services: {
          app: { underTest: true, calls: { api: {} } },
          api: { calls: { redis: {} } },
          redis: { tcp: true, upstream: (await serve()).url },
        },
      }),
    )
    expect(() => mesh.url('redis', { from: 'api' })).toThrow(/mesh.listen/)
    const { port, close } = await serve()
    await expect(mesh.listen({ from: 'api', to: 'redis', port })).rejects.toMatchObject({ code: 'MESH_PORT_TAKEN' })
    await close()
    expect(await mesh.listen({ from: 'api', to: 'redis', port })).toBe(`tcp://127.0.0.1:${port}`)
    const client = await dial(mesh.url('redis', { from: 'api' }))
    client.socket.write('x')
    await client.bytes(1)
    expect(mesh.edge('api->redis').connections).toHaveLength(1)
    expect(mesh.env('api')).toMatchObject({ REDIS_PORT: String(port) })
  })

  test('comes and goes while the mesh runs', async () => {
    const { url } = await serve()
    const mesh = await start(defineMesh({ name: 'm', services: { app: { underTest: true } } }))
    mesh.addService('queue', { tcp: true, upstream: url })
    mesh.addEdge('app', 'queue')
    const client = await dial(await mesh.listen({ from: 'app' as never, to: 'queue' as never }))
    client.socket.write('x')
    await client.bytes(1)
    mesh.removeService('queue' as never)
    expect(await client.ending).toBe('FIN')
    expect(await overOf(mesh, 1)).toMatchObject([{ outcome: 'stopped' }])
  })

  test('leaves nothing open when the mesh stops, and both sides see the end', async () => {
    const server = await serve()
    const before = tcpHandles()
    const mesh = await start(cached(server.url))
    const clients = await Promise.all(Array.from({ length: 5 }, () => dial(mesh.url('redis'))))
    for (const { socket } of clients) socket.write('x')
    await Promise.all(clients.map((client) => client.bytes(1)))
    mesh.chaos.hang('redis')
    await mesh.stop()
    for (const client of clients) expect(await client.ending).toBe('FIN')
    expect(closed(mesh).map(({ outcome }) => outcome)).toEqual(Array(5).fill('stopped'))
    const ended = clients.map(({ socket }) => once(socket, 'close'))
    for (const { socket } of clients) socket.destroy()
    await Promise.all(ended)
    for (const socket of server.sockets) socket.destroy()
    await expect.poll(() => tcpHandles()).toBe(before)
  })

  test('cannot be reached in virtual time', async () => {
    const mesh = await start(cached((await serve()).url))
    const client = await mesh.simulate(async () => attempt(mesh.url('redis')), {})
    // Whichever came first: the connection, or the end of the simulation.
    client.socket.destroy()
    const inside = await mesh.simulate(async () => {
      const asked = attempt(mesh.url('redis'))
      return asked.ending
    })
    expect(inside).toBe('ECONNRESET')
    expect(mesh.problems.at(-1)!.message).toContain('bytes travel in real time only')
    expect(mesh.problems.at(-1)).toMatchObject({ code: 'MESH_UNSUPPORTED' })
  })
})

describe('what is for HTTP', () => {
  const refused: Record<string, (mesh: Mesh) => unknown> = {
    'mesh.call': (mesh) => mesh.call('app', 'redis', '/'),
    'mesh.hold': (mesh) => mesh.hold('app->redis'),
    'service.reply': (mesh) => mesh.service('redis').reply('GET /', 200),
    'service.use': (mesh) => mesh.service('redis').use(),
    'chaos.abort': (mesh) => mesh.chaos.abort('redis'),
    'chaos.truncate': (mesh) => mesh.chaos.truncate('app->redis'),
    'chaos.reset at mid-body': (mesh) => mesh.chaos.reset('redis', { at: 'mid-body' }),
    toHaveCallCount: (mesh) => toHaveCallCount.call({}, mesh.edge('app->redis'), 0),
    toHaveReceived: (mesh) => toHaveReceived.call({}, mesh.service('redis'), 'GET /'),
    'edge.configure': (mesh) => mesh.edge('app->redis').configure({ timeoutMs: 100 }),
  }
  for (const [what, act] of Object.entries(refused))
    test(`${what} is refused for bytes, and says what there is`, async () => {
      const mesh = await start(cached((await serve()).url))
      await expect((async () => act(mesh))()).rejects.toMatchObject({
        code: expect.stringMatching(/^MESH_(UNSUPPORTED|INVALID_OPTION)$/),
        message: expect.stringContaining('tcp: true'),
      })
    })

  test('a request by the name of the service is refused and named', async () => {
    const mesh = await start(cached((await serve()).url))
    const response = await mesh.run(() => fetch('http://redis/keys'))
    expect(response.status).toBe(501)
    expect(mesh.problems).toMatchObject([{ code: 'MESH_UNSUPPORTED' }])
    expect(mesh.problems[0]!.message).toContain(`mesh.url('redis')`)
  })

  test('a service without handlers does not call those that carry bytes', async () => {
    const { url } = await serve()
    const mesh = await start(
      defineMesh({
        name: 'm',
        services: {
          app: { underTest: true, calls: { api: {} } },
          api: { calls: { redis: {}, mail: {} } },
          mail: {},
          redis: { tcp: true, upstream: url },
        },
      }),
    )
    const response = await mesh.call('app', 'api', '/')
    expect(await response.json()).toEqual({ service: 'api', calls: { mail: 200 } })
  })

  for (const fault of ['slice', 'limit', 'slowClose'] as const)
    test(`chaos.${fault} is for bytes only`, async () => {
      const mesh = await start(
        defineMesh({ name: 'm', services: { app: { underTest: true, calls: { api: {} } }, api: {} } }),
      )
      expect(() => mesh.chaos[fault]('api', (fault === 'slowClose' ? { ms: 1 } : { bytes: 1 }) as never)).toThrow(
        /tcp: true/,
      )
    })
})

describe('faults', () => {
  /** A mesh, and a client whose connection has carried a byte already. */
  async function connected(accept?: (socket: Socket) => void) {
    const server = await serve(accept)
    const mesh = await start(cached(server.url))
    const client = await dial(mesh.url('redis'))
    client.socket.write('.')
    await client.bytes(1)
    return { server, mesh, client }
  }

  test('an outage resets open connections and closes the port, and ends', async () => {
    const { mesh, client } = await connected()
    const fault = mesh.chaos.outage('redis')
    expect(await client.ending).toBe('ECONNRESET')
    await expect.poll(async () => attempt(mesh.url('redis')).ending).toBe('ECONNREFUSED')
    expect(fault.hits).toBe(1)
    fault.revert()
    await expect
      .poll(async () => {
        const again = attempt(mesh.url('redis'))
        again.socket.write('back')
        return again.bytes(4).then(String, (error: NodeJS.ErrnoException) => error.code)
      })
      .toBe('back')
    expect(closed(mesh)[0]).toMatchObject({ outcome: 'refused', bytesSent: 1, bytesReceived: 1 })
  })

  test('an outage of one edge leaves the others alone', async () => {
    const { mesh, client } = await connected()
    const other = await dial(mesh.url('redis', { from: 'worker' }))
    mesh.chaos.outage('worker->redis')
    expect(await other.ending).toBe('ECONNRESET')
    client.socket.write('still')
    expect((await client.bytes(6)).toString()).toBe('.still')
  })

  test('a reset hits what is open and each new connection, and hits counts connections', async () => {
    const { mesh, client } = await connected()
    const fault = mesh.chaos.reset('redis')
    expect(await client.ending).toBe('ECONNRESET')
    expect(await attempt(mesh.url('redis')).ending).toBe('ECONNRESET')
    expect(fault.hits).toBe(2)
    expect(mesh.journal.where({ type: 'fault.hit' })).toMatchObject([
      { call: 'c1', edge: 'app->redis' },
      { call: 'c2', edge: 'app->redis' },
    ])
    fault.revert()
    const again = await dial(mesh.url('redis'))
    again.socket.write('fine')
    expect((await again.bytes(4)).toString()).toBe('fine')
    expect(closed(mesh).map(({ outcome }) => outcome)).toEqual(['reset', 'reset'])
  })

  test('a reset after some bytes of the reply cuts it with an RST, truncate with a FIN', async () => {
    for (const [kind, ending] of [
      ['reset', 'ECONNRESET'],
      ['truncate', 'FIN'],
    ] as const) {
      const { mesh, client } = await connected()
      mesh.chaos[kind]('redis', { afterBytes: 10 })
      client.socket.write('0123456789abcdef')
      expect(await client.ending).toBe(ending)
      expect(client.received().toString()).toBe('.0123456789')
    }
  })

  test('a close ends connections with a FIN', async () => {
    const { mesh, client } = await connected()
    client.socket.write(Buffer.alloc(100_000))
    mesh.chaos.close('redis')
    expect(await client.ending).toBe('FIN')
    expect(await attempt(mesh.url('redis')).ending).toBe('FIN')
  })

  test('a connection that is turned away is none for the service', async () => {
    let accepted = 0
    const { mesh } = await connected((socket) => {
      accepted++
      socket.pipe(socket)
    })
    mesh.chaos.close('redis', { when: ({ nth }) => nth === 2 })
    mesh.chaos.reset('redis', { when: ({ nth }) => nth === 3 })
    for (const ending of ['FIN', 'ECONNRESET']) {
      const client = attempt(mesh.url('redis'))
      client.socket.write('?')
      expect(await client.ending).toBe(ending)
    }
    const client = await dial(mesh.url('redis'))
    client.socket.write('?')
    await client.bytes(1)
    expect(accepted).toBe(2)
  })

  test('a hang holds the bytes and lets them go when it is over', async () => {
    const { mesh, client } = await connected()
    const fault = mesh.chaos.hang('redis')
    client.socket.write('held')
    const fresh = await dial(mesh.url('redis'))
    fresh.socket.end('new')
    expect(mesh.edge('app->redis').connections).toMatchObject([{ bytesSent: 1 }, { bytesSent: 0, isOpen: true }])
    fault.revert()
    expect((await client.bytes(5)).toString()).toBe('.held')
    expect(await fresh.ending).toBe('FIN')
    expect(fresh.received().toString()).toBe('new')
  })

  test('a hang keeps from the client that the service is down, until it is over', async () => {
    const { mesh, server } = await connected()
    const fault = mesh.chaos.hang('redis')
    await server.close()
    const client = await dial(mesh.url('redis'))
    client.socket.write('?')
    expect(mesh.edge('app->redis').connections.at(-1)).toMatchObject({ isOpen: true })
    fault.revert()
    expect(await client.ending).toBe('ECONNRESET')
    await expect.poll(() => mesh.edge('app->redis').connections.at(-1)!.outcome).toBe('unreachable')
  })

  test('a partition holds what its direction loses', async () => {
    const arrived: string[] = []
    const { mesh, client } = await connected((socket) =>
      socket.on('data', (bytes: Buffer) => {
        arrived.push(bytes.toString())
        socket.write(bytes)
      }),
    )
    mesh.chaos.partition(['app'], ['redis'], { direction: 'from' })
    client.socket.write('a')
    await expect.poll(() => arrived.join('')).toBe('.a')
    mesh.chaos.heal()
    await client.bytes(2)
    const to = mesh.chaos.partition(['app'], ['redis'], { direction: 'to' })
    client.socket.write('b')
    const other = await dial(mesh.url('redis', { from: 'worker' }))
    other.socket.write('w')
    await other.bytes(1)
    expect(arrived.join('')).toBe('.aw')
    to.revert()
    expect((await client.bytes(3)).toString()).toBe('.ab')
  })

  test('a lost reply was processed, and arrives when the network heals', async () => {
    const arrived: string[] = []
    const { mesh, client } = await connected((socket) =>
      socket.on('data', (bytes: Buffer) => {
        arrived.push(bytes.toString())
        socket.write(bytes)
      }),
    )
    const fault = mesh.chaos.loseReply('app->redis')
    client.socket.write('INCR')
    await expect.poll(() => arrived.join('')).toBe('.INCR')
    fault.revert()
    expect((await client.bytes(5)).toString()).toBe('.INCR')
  })

  test('latency makes a round trip longer by what is asked, on either leg', async () => {
    const { mesh, client } = await connected()
    for (const [n, leg] of (['request', 'reply'] as const).entries()) {
      const fault = mesh.chaos.latency('redis', { ms: 60, leg })
      client.socket.write('x')
      expect(await elapsedMs(client.bytes(n + 2))).toBeGreaterThanOrEqual(60)
      fault.revert()
    }
  })

  test('latency with jitter keeps the order', async () => {
    const { mesh, client } = await connected()
    mesh.chaos.latency('redis', { ms: 10, jitterMs: 10 })
    mesh.chaos.latency('redis', { ms: 10, jitterMs: 10, leg: 'reply' })
    let sent = '.'
    for (let i = 0; i < 200; i++) {
      client.socket.write(`${i} `)
      sent += `${i} `
      if (i % 20 === 0) await new Promise(setImmediate)
    }
    expect((await client.bytes(sent.length)).toString()).toBe(sent)
  })

  test('latency that is taken back lets go of what it held', async () => {
    const { mesh, client } = await connected()
    const fault = mesh.chaos.latency('redis', { ms: 3_600_000 })
    client.socket.end('late')
    await expect.poll(() => mesh.edge('app->redis').connections[0]!.bytesSent).toBe(1)
    fault.revert()
    expect((await client.bytes(5)).toString()).toBe('.late')
    expect(await client.ending).toBe('FIN')
  })

  test('latency in the middle of a transfer loses nothing', async () => {
    const size = 4_000_000
    const { mesh, client } = await connected()
    client.socket.write(Buffer.alloc(size, 7))
    await client.bytes(1_000)
    const fault = mesh.chaos.latency('redis', { ms: 20, jitterMs: 10, leg: 'reply' })
    await client.bytes(size / 2)
    fault.revert()
    expect((await client.bytes(size + 1)).subarray(1).every((byte) => byte === 7)).toBe(true)
  })

  test('bandwidth is never faster than it says', async () => {
    const { mesh, client } = await connected((socket) => {
      socket.on('data', () => socket.write(Buffer.alloc(1_000)))
    })
    mesh.chaos.bandwidth('redis', { kilobytesPerSecond: 50 })
    const before = client.received().byteLength
    expect(before).toBeLessThanOrEqual(1_000)
    await client.bytes(1_000)
    for (let round = 2; round <= 4; round++) {
      client.socket.write('?')
      expect(await elapsedMs(client.bytes(round * 1_000))).toBeGreaterThanOrEqual(1_000 / 50)
    }
  })

  test('bandwidth counts in each direction by itself, and over many pieces', async () => {
    const { mesh, client } = await connected()
    const fault = mesh.chaos.bandwidth('redis', { kilobytesPerSecond: 200 })
    client.socket.write(Buffer.alloc(30_000))
    // The last byte is 150 ms on its way there; the way back begins with the first one.
    expect(await elapsedMs(client.bytes(30_001))).toBeGreaterThanOrEqual(150)
    client.socket.write(Buffer.alloc(1_000_000))
    fault.revert()
    await client.bytes(1_030_001)
  })

  test('a slice passes small pieces', async () => {
    const pieces: number[] = []
    const { mesh, client } = await connected((socket) => {
      socket.on('data', (bytes: Buffer) => {
        pieces.push(bytes.byteLength)
        socket.write('.')
      })
    })
    mesh.chaos.slice('redis', { bytes: 3, delayMs: 5, leg: 'request' })
    client.socket.write('0123456789')
    await expect.poll(() => pieces.reduce((a, b) => a + b)).toBe(11)
    expect(pieces.length).toBeGreaterThan(2)
  })

  test('a limit closes the connection after exactly so many bytes', async () => {
    const { mesh, client } = await connected((socket) => {
      socket.on('data', () => socket.write(Buffer.alloc(100_000, 'x')))
    })
    await client.bytes(100_000)
    mesh.chaos.limit('redis', { bytes: 70_000 })
    client.socket.write('?')
    expect(await client.ending).toBe('FIN')
    expect(client.received().byteLength).toBe(170_000)
    expect(await overOf(mesh, 1)).toMatchObject([{ outcome: 'limited', bytesReceived: 170_000 }])
  })

  test('a stall stops a reply in the middle for as long as it says', async () => {
    const { mesh, client } = await connected()
    mesh.chaos.stall('redis', { afterBytes: 3, stallMs: 50 })
    client.socket.write('abcdef')
    expect((await client.bytes(4)).toString()).toBe('.abc')
    expect(await elapsedMs(client.bytes(7))).toBeGreaterThanOrEqual(40)
    expect(client.received().toString()).toBe('.abcdef')
  })

  test('a slow close delays the end, not the bytes', async () => {
    const { mesh, client } = await connected()
    mesh.chaos.slowClose('redis', { ms: 50 })
    client.socket.end('bye')
    const ended = elapsedMs(client.ending)
    await client.bytes(4)
    // Its own end is late, and so is the answer's.
    expect(await ended).toBeGreaterThanOrEqual(95)
  })

  test('flapping goes down and comes up again by itself', async () => {
    const { mesh, client } = await connected()
    mesh.chaos.flap('redis', { upMs: 20, downMs: 20 })
    expect(await client.ending).toBe('ECONNRESET')
    await expect
      .poll(async () => {
        const again = attempt(mesh.url('redis'))
        again.socket.write('x')
        return again.bytes(1).then(String, () => '')
      })
      .toBe('x')
  })

  test('percent is decided for each connection, by the seed', async () => {
    const outcomes = async () => {
      const mesh = await start(cached((await serve()).url), { seed: 11 })
      mesh.chaos.reset('redis', { percent: 50 })
      const endings: string[] = []
      for (let i = 0; i < 20; i++) {
        const client = attempt(mesh.url('redis'))
        client.socket.end('x')
        endings.push(await client.ending)
      }
      return endings
    }
    const first = await outcomes()
    expect(new Set(first)).toEqual(new Set(['FIN', 'ECONNRESET']))
    expect(await outcomes()).toEqual(first)
  })

  test('times counts connections, and the fault stays on those until they are over', async () => {
    const mesh = await start(cached((await serve()).url))
    const fault = mesh.chaos.latency('redis', { ms: 30, times: 1 })
    const slow = await dial(mesh.url('redis'))
    const fast = await dial(mesh.url('redis'))
    for (let round = 1; round <= 2; round++) {
      slow.socket.write('x')
      expect(await elapsedMs(slow.bytes(round))).toBeGreaterThanOrEqual(30)
    }
    fast.socket.write('x')
    await fast.bytes(1)
    expect(fault).toMatchObject({ hits: 1, active: true })
    slow.socket.end()
    await overOf(mesh, 1)
    expect(fault.active).toBe(false)
    expect(mesh.journal.where({ type: 'fault.reverted' })).toMatchObject([{ reason: 'used-up', hits: 1 }])
  })

  test('when is asked about the connection', async () => {
    const mesh = await start(cached((await serve()).url))
    mesh.chaos.reset('redis', { when: ({ caller, nth, method }) => method === 'TCP' && caller === 'app' && nth === 2 })
    const endings: string[] = []
    for (const from of ['app', 'worker', 'worker', 'app', 'app'] as const) {
      const client = attempt(mesh.url('redis', { from }))
      client.socket.end('x')
      endings.push(await client.ending)
    }
    expect(endings).toEqual(['FIN', 'FIN', 'FIN', 'ECONNRESET', 'FIN'])
  })

  test('afterMs and forMs tell open connections', async () => {
    const { mesh, client } = await connected()
    mesh.chaos.hang('redis', { afterMs: 10, forMs: 30 })
    await expect.poll(() => mesh.journal.where({ type: 'fault.hit' }).length).toBe(1)
    client.socket.write('later')
    expect((await client.bytes(6)).toString()).toBe('.later')
    expect(mesh.chaos.faults).toEqual([])
  })

  test('wrong values are refused', async () => {
    const mesh = await start(cached((await serve()).url))
    const bad: (() => unknown)[] = [
      () => mesh.chaos.slice('redis', { bytes: 0 }),
      () => mesh.chaos.slice('redis', { bytes: 1.5 }),
      () => mesh.chaos.slice('redis', { bytes: 1, delayMs: -1 }),
      () => mesh.chaos.slice('redis', { bytes: 1, leg: 'both' as never }),
      () => mesh.chaos.limit('redis', {} as never),
      () => mesh.chaos.limit('redis', { bytes: 1, delayMs: 1 } as never),
      () => mesh.chaos.slowClose('redis', { ms: NaN }),
      () => mesh.chaos.slowClose('redis', undefined as never),
    ]
    for (const act of bad) expect(act).toThrow(expect.objectContaining({ code: 'MESH_INVALID_OPTION' }))
    expect(() => mesh.chaos.slice('rediss' as never, { bytes: 1 })).toThrow(/Did you mean "redis"/)
  })
})

describe('load', () => {
  test('50 MB come back as they were sent', async () => {
    const size = 50_000_000
    const mesh = await start(cached((await serve()).url))
    const client = await dial(mesh.url('redis'))
    const block = Buffer.from(Array.from({ length: 65_537 }, (_, i) => (i * 31) % 256))
    let sent = 0
    const feed = async () => {
      while (sent < size) {
        const part = block.subarray(0, Math.min(block.byteLength, size - sent))
        sent += part.byteLength
        if (!client.socket.write(part)) await once(client.socket, 'drain')
      }
      client.socket.end()
    }
    const [, ending] = await Promise.all([feed(), client.ending])
    expect(ending).toBe('FIN')
    const received = client.received()
    expect(received.byteLength).toBe(size)
    let isSame = true
    for (let at = 0; at < size; at += block.byteLength)
      isSame &&= received
        .subarray(at, at + block.byteLength)
        .equals(block.subarray(0, Math.min(block.byteLength, size - at)))
    expect(isSame).toBe(true)
    expect(await overOf(mesh, 1)).toMatchObject([{ bytesSent: size, bytesReceived: size }])
  })

  test('thousands of small writes', async () => {
    const mesh = await start(cached((await serve()).url))
    const client = await dial(mesh.url('redis'))
    const lines = Array.from({ length: 5_000 }, (_, i) => `${i}\n`)
    for (const line of lines) client.socket.write(line)
    const text = lines.join('')
    expect((await client.bytes(text.length)).toString()).toBe(text)
  })

  test('100 connections at once', async () => {
    const mesh = await start(cached((await serve()).url))
    const clients = await Promise.all(Array.from({ length: 100 }, () => dial(mesh.url('redis'))))
    const answers = clients.map(async (client, i) => {
      client.socket.end(`client ${i}`)
      await client.ending
      return client.received().toString()
    })
    expect(await Promise.all(answers)).toEqual(clients.map((_, i) => `client ${i}`))
    const over = await overOf(mesh, 100)
    expect(over.every(({ outcome }) => outcome === 'ended')).toBe(true)
  })

  test('a client that does not read holds the service back, without limit in memory', async () => {
    let written = 0
    const mesh = await start(
      cached(
        (
          await serve((socket) => {
            const more = () => {
              while (written < 200_000_000 && socket.write(Buffer.alloc(1_000_000))) written += 1_000_000
            }
            socket.on('drain', more)
            more()
          })
        ).url,
      ),
    )
    const client = await dial(mesh.url('redis'))
    client.socket.pause()
    let before = -1
    await expect
      .poll(
        () => {
          const isStill = before === written
          before = written
          return isStill && written > 0
        },
        { interval: 200 },
      )
      .toBe(true)
    expect(written).toBeLessThan(200_000_000)
    client.socket.resetAndDestroy()
  })
})
