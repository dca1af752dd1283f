import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Mesh } from 'meshwright'
import sqlite from 'node-sqlite3-wasm'
import { createGateway } from './gateway.ts'
import { loggedBreaker } from './logged-breaker.ts'

export interface OrderRow {
  readonly id: string
  readonly amount: number
  readonly state: string
}

/** Fast enough for a test, and still longer than a busy machine needs for an answer. */
const quick = { PAYMENTS_TIMEOUT_MS: '1000', PAYMENTS_OPEN_MS: '1000', SWEEP_MS: '200' }

/**
 * Starts the real orders service in a process of its own, its dependencies in the mesh, and puts it into the mesh: what is
 * sent to `orders` goes to it from now on. Stop it when the test ends.
 */
export async function startOrders(mesh: Pick<Mesh, 'env' | 'service' | 'observe'>, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'checkout-'))
  const database = join(folder, 'orders.db')
  const gateway = createGateway()
  mesh.service('payments').use(...gateway.handlers)
  const breaker = loggedBreaker('payments')
  mesh.observe('orders->payments', breaker)

  const start = async () => {
    const guard = pathToFileURL(join(import.meta.dirname, 'exit-with-parent.mjs')).href
    const child = spawn(process.execPath, ['--import', guard, '--import', './telemetry.mjs', 'server.mjs'], {
      cwd: join(import.meta.dirname, '..', 'orders'),
      env: { ...process.env, DATABASE: database, ...mesh.env('orders'), ...quick, ...env },
      stdio: 'pipe',
    })
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    let output = ''
    const url = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        output += chunk
        breaker.read(String(chunk))
        const [listens] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
        if (listens) resolve(listens)
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.once('error', reject)
      void exited.then(() => reject(new Error(`orders did not start:\n${output}`)))
    })
    // A test that forgets to stop it must not keep the runner from ending.
    child.unref()
    for (const pipe of [child.stdin, child.stdout, child.stderr] as unknown as Socket[]) pipe.unref()
    return {
      url,
      async stop() {
        child.ref()
        child.kill('SIGTERM')
        await exited
      },
    }
  }

  let running = await start()
  mesh.service('orders').forwardTo(running.url)

  return {
    gateway,
    get url() {
      return running.url
    },
    /** What stands in the database file, read past the service. */
    rows(): OrderRow[] {
      const file = new sqlite.Database(database, { readOnly: true })
      try {
        file.exec('PRAGMA busy_timeout = 2000')
        return file.all('SELECT id, amount, state FROM orders ORDER BY rowid') as unknown as OrderRow[]
      } finally {
        file.close()
      }
    },
    async restart() {
      await running.stop()
      running = await start()
      mesh.service('orders').forwardTo(running.url)
    },
    async stop() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Orders = Awaited<ReturnType<typeof startOrders>>
