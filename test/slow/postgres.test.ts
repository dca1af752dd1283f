import pg from 'pg'
import type { ClientConfig, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { defineMesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { hasPostgres, startPostgres } from '../support/real-servers.ts'
import type { RealServer } from '../support/real-servers.ts'

const start = meshes()

describe.skipIf(!hasPostgres)(
  `pg and a real PostgreSQL${hasPostgres ? '' : ' (skipped: no server programs, or no user to run them, here)'}`,
  () => {
    let server: RealServer
    const pools: Pool[] = []
    beforeAll(async () => {
      server = await startPostgres()
    }, 60_000)
    afterAll(() => server.stop())
    afterEach(async () => {
      await Promise.all(pools.splice(0).map((pool) => pool.end()))
    })

    async function connected(options: ClientConfig = {}) {
      const mesh = await start(
        defineMesh({
          name: 'shop',
          services: {
            app: { underTest: true, calls: { database: {} } },
            database: { tcp: true, upstream: `tcp://127.0.0.1:${server.port}` },
          },
        }),
      )
      const { DATABASE_HOST: host, DATABASE_PORT: port } = mesh.env('app')
      const pool = new pg.Pool({
        host: host!,
        port: Number(port),
        user: 'test',
        database: 'postgres',
        max: 1,
        ...options,
      })
      pools.push(pool)
      const errors: string[] = []
      pool.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message))
      await pool.query('select 1')
      return { mesh, pool, errors }
    }

    const elapsedMs = async (work: Promise<unknown>) => {
      const startMs = performance.now()
      await work
      return performance.now() - startMs
    }

    test('work as they do without a mesh', async () => {
      const { mesh, pool } = await connected()
      await pool.query('create temp table items (id int, name text)')
      await pool.query('insert into items select n, md5(n::text) from generate_series(1, $1) n', [50_000])
      const { rows } = await pool.query('select id, name from items order by id')
      expect(rows.length).toBe(50_000)
      expect(rows.at(-1)).toEqual({ id: 50_000, name: '1017bfd4673955ffee4641ad3d481b1c' })
      expect(mesh.edge('app->database').connections[0]!.bytesReceived).toBeGreaterThan(1_000_000)
    })

    test('queries take as long as the network', async () => {
      const { mesh, pool } = await connected()
      mesh.chaos.latency('database', { ms: 80, leg: 'reply' })
      expect(await elapsedMs(pool.query('select 1'))).toBeGreaterThanOrEqual(80)
    })

    test('a reset in the middle of a query fails it, and the pool connects again', async () => {
      const { mesh, pool } = await connected()
      const sleeping = pool.query('select pg_sleep(5)')
      const before = mesh.edge('app->database').connections[0]!.bytesSent
      await expect.poll(() => mesh.edge('app->database').connections[0]!.bytesSent).toBeGreaterThan(before)
      const fault = mesh.chaos.reset('database')
      await expect(sleeping).rejects.toThrow(/ECONNRESET/)
      await expect(pool.query('select 1')).rejects.toThrow(/ECONNRESET|terminated/)
      fault.revert()
      expect((await pool.query('select 2 as n')).rows).toEqual([{ n: 2 }])
    })

    test('an answer that is held arrives when the network heals', async () => {
      const { mesh, pool } = await connected()
      const fault = mesh.chaos.partition(['app'], ['database'])
      const answer = pool.query('select 3 as n')
      setTimeout(() => fault.revert(), 100)
      expect(await elapsedMs(answer)).toBeGreaterThanOrEqual(95)
      expect((await answer).rows).toEqual([{ n: 3 }])
    })

    test('a query time-out of the client ends the wait, and the query was done', async () => {
      const { mesh, pool } = await connected({ query_timeout: 150 })
      await pool.query('create table if not exists done (n int)')
      const fault = mesh.chaos.loseReply('database')
      await expect(pool.query('insert into done values (1)')).rejects.toThrow(/timeout/i)
      fault.revert()
      await expect.poll(async () => (await pool.query('select count(*)::int as n from done')).rows).toEqual([{ n: 1 }])
    })

    test('an outage refuses connections, and the pool recovers', async () => {
      const { mesh, pool, errors } = await connected()
      const fault = mesh.chaos.outage('database')
      // The idle client of the pool is told, too.
      await expect.poll(() => errors).toEqual(['ECONNRESET'])
      await expect.poll(() => pool.query('select 1').catch((error: Error) => error.message)).toMatch(/ECONNREFUSED/)
      fault.revert()
      await expect
        .poll(() =>
          pool.query('select 4 as n').then(
            ({ rows }) => rows,
            () => [],
          ),
        )
        .toEqual([{ n: 4 }])
    })

    test('a limit cuts a big answer', async () => {
      const { mesh, pool } = await connected()
      mesh.chaos.limit('database', { bytes: 100_000, times: 1 })
      await expect(pool.query("select repeat('x', 1000000) as big")).rejects.toThrow(/terminated unexpectedly/)
      expect((await pool.query('select 5 as n')).rows).toEqual([{ n: 5 }])
      expect(mesh.edge('app->database').connections[0]).toMatchObject({ outcome: 'limited' })
    })
  },
)
