import { Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { defineMesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { hasRedis, startRedis } from '../support/real-servers.ts'
import type { RealServer } from '../support/real-servers.ts'

const start = meshes()

describe.skipIf(!hasRedis)(`ioredis and a real Redis${hasRedis ? '' : ' (skipped: no redis-server here)'}`, () => {
  let server: RealServer
  const clients: Redis[] = []
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect()
  })

  /** A mesh, and a client as an application would have it: from the environment. */
  async function connected(options: RedisOptions = {}) {
    const mesh = await start(
      defineMesh({
        name: 'shop',
        services: {
          app: { underTest: true, calls: { redis: {} } },
          redis: { tcp: true, upstream: `tcp://127.0.0.1:${server.port}` },
        },
      }),
    )
    const errors: string[] = []
    const client = () => {
      const env = mesh.env('app')
      const redis = new Redis({
        host: env['REDIS_HOST']!,
        port: Number(env['REDIS_PORT']),
        retryStrategy: () => 10,
        ...options,
      })
      clients.push(redis)
      redis.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message))
      return redis
    }
    const redis = client()
    await redis.flushall()
    return { mesh, redis, errors, client }
  }

  const elapsedMs = async (work: Promise<unknown>) => {
    const startMs = performance.now()
    await work
    return performance.now() - startMs
  }

  test('work as they do without a mesh', async () => {
    const { mesh, redis, client } = await connected()
    await redis.set('a', '1')
    expect(await redis.get('a')).toBe('1')
    const counts = await redis
      .pipeline(Array.from({ length: 1_000 }, () => ['incr', 'n']))
      .exec()
      .then((results) => results!.map(([, value]) => value))
    expect(counts).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1))
    const big = 'x'.repeat(5_000_000)
    await redis.set('big', big)
    expect((await redis.get('big'))!.length).toBe(big.length)

    const listener = client()
    await listener.subscribe('news')
    const heard = new Promise<string>((resolve) => listener.once('message', (_, message: string) => resolve(message)))
    await redis.publish('news', 'hello')
    expect(await heard).toBe('hello')
    expect(mesh.edge('app->redis').connections.length).toBe(2)
    expect(mesh.edge('app->redis').connections[0]!.bytesReceived).toBeGreaterThan(big.length)
  })

  test('commands take as long as the network', async () => {
    const { mesh, redis } = await connected()
    mesh.chaos.latency('redis', { ms: 80 })
    expect(await elapsedMs(redis.get('a'))).toBeGreaterThanOrEqual(80)
    mesh.chaos.heal()
    const value = 'x'.repeat(50_000)
    await redis.set('half', value)
    mesh.chaos.bandwidth('redis', { kilobytesPerSecond: 500 })
    expect(await elapsedMs(redis.get('half'))).toBeGreaterThanOrEqual(100)
  })

  test('a reset in the middle of a command fails it, and the client connects again', async () => {
    const { mesh, redis, errors } = await connected({ maxRetriesPerRequest: 0 })
    const waiting = redis.blpop('nothing', 0)
    await expect.poll(() => mesh.edge('app->redis').connections[0]!.bytesSent).toBeGreaterThan(100)
    const fault = mesh.chaos.reset('redis')
    await expect(waiting).rejects.toThrow(/max retries per request|Connection is closed/i)
    expect(errors).toContain('ECONNRESET')
    fault.revert()
    await expect.poll(() => redis.ping().catch((error: Error) => error.message)).toBe('PONG')
    expect(mesh.edge('app->redis').connections[0]).toMatchObject({ isOpen: false, outcome: 'reset' })
  })

  test('an answer that is held arrives when the network heals', async () => {
    const { mesh, redis, errors } = await connected()
    await redis.set('a', 'kept')
    const fault = mesh.chaos.hang('redis')
    const answer = redis.get('a')
    let isHere = false
    void answer.then(() => (isHere = true))
    expect(await elapsedMs(new Promise((resolve) => setTimeout(resolve, 100)))).toBeGreaterThan(90)
    expect(isHere).toBe(false)
    fault.revert()
    expect(await answer).toBe('kept')
    expect(errors).toEqual([])
  })

  test('a lost answer runs into the time-out of the client, and the command was done', async () => {
    const { mesh, redis } = await connected({ commandTimeout: 100 })
    const fault = mesh.chaos.loseReply('app->redis')
    await expect(redis.incr('n')).rejects.toThrow(/timed out/i)
    fault.revert()
    expect(await redis.get('n')).toBe('1')
  })

  test('an outage refuses connections, and the client recovers', async () => {
    const { mesh, redis, errors } = await connected()
    const fault = mesh.chaos.outage('redis')
    await expect.poll(() => errors).toContain('ECONNREFUSED')
    // Waits in the client's own queue.
    const answer = redis.set('after', 'the outage')
    fault.revert()
    expect(await answer).toBe('OK')
  })

  test('a limit cuts a big answer, and the client asks again', async () => {
    const { mesh, redis } = await connected()
    const big = 'y'.repeat(1_000_000)
    await redis.set('big', big)
    // Met by the connection that is open; the next one is not hit.
    mesh.chaos.limit('redis', { bytes: 300_000, times: 1 })
    expect((await redis.get('big'))!.length).toBe(big.length)
    expect(mesh.edge('app->redis').connections).toMatchObject([{ outcome: 'limited' }, { isOpen: true }])
    expect(mesh.chaos.faults).toEqual([])
  })

  test('sliced answers are put together by the client', async () => {
    const { mesh, redis } = await connected()
    mesh.chaos.slice('redis', { bytes: 7 })
    await redis.mset('a', 'first', 'b', 'ümläut', 'c', '')
    expect(await redis.mget('a', 'b', 'c', 'd')).toEqual(['first', 'ümläut', '', null])
  })
})
