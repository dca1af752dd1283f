import http from 'node:http'
import { Socket } from 'node:net'
import axios from 'axios'
import { http as on, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRandom } from '../../../src/random/random.ts'
import { currentWorld, simulate, type SimulateTools } from '../../../src/time/simulate.ts'
import { listen } from '../../support/own-msw.ts'

const run = <T>(scenario: (tools: SimulateTools) => Promise<T>) => simulate({ random: createRandom(1) }, scenario)

const server = setupServer(
  on.post('http://shop.test/slow', async ({ request }) => {
    await request.text()
    await new Promise((resolve) => setTimeout(resolve, 20_000))
    return HttpResponse.text('x'.repeat(100_000))
  }),
)
beforeAll(() => listen(server, 'error'))
afterAll(() => server.close())

const url = 'http://shop.test/slow'
const body = 'x'.repeat(50_000)

const post = (timeout: number) =>
  new Promise<string>((resolve, reject) => {
    const request = http.request(url, { method: 'POST', timeout }, (response) => {
      let length = 0
      response.on('data', (chunk: Buffer) => (length += chunk.length))
      response.on('end', () => resolve(`${length} bytes`))
    })
    request.on('timeout', () => request.destroy(new Error(`timeout of ${timeout}ms exceeded`)))
    request.on('error', reject)
    request.end(body)
  })

const clients: Record<string, (timeoutMs: number) => Promise<unknown>> = {
  fetch: (ms) => fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(ms) }).then((reply) => reply.text()),
  'axios over http': (timeout) => axios.post(url, body, { timeout }),
  'http.request': post,
}

describe('HTTP clients in a world, answered through intercepted sockets', () => {
  test.each(Object.keys(clients))(
    '%s waits for the answer, and no longer than its time-out, in virtual time',
    async (name) => {
      await run(async ({ now }) => {
        for (let round = 1; round <= 5; round++) {
          await clients[name]!(20_001)
          expect(now()).toBe(round * 30_000 - 10_000)
          await expect(clients[name]!(10_000)).rejects.toThrow(/timeout/)
          expect(now()).toBe(round * 30_000)
        }
      })
    },
  )
})

describe('the idle time-out of a socket in a world', () => {
  test('fires in virtual time, starts anew on activity, and ends with 0 or the socket', async () => {
    await run(async ({ sleep, now }) => {
      const seen: number[] = []
      const [socket, cleared, closed] = [new Socket(), new Socket(), new Socket()]
      const fail = () => expect.fail('timed out')
      expect(socket.setTimeout(30_000, () => seen.push(now()))).toBe(socket)
      cleared.setTimeout(30_000, fail)
      closed.setTimeout(30_000, fail)
      expect(socket.timeout).toBe(30_000)
      for (let again = 0; again < 20; again++) closed.setTimeout(30_000)
      expect(closed.listenerCount('close')).toBe(1)
      await sleep(20_000)
      ;(socket as unknown as { _unrefTimer(): void })._unrefTimer()
      cleared.setTimeout(0)
      closed.destroy()
      await sleep(60_000)
      expect(seen).toEqual([50_000])
      expect(() => socket.setTimeout('soon' as never)).toThrow(TypeError)
      expect([...currentWorld()!.outside]).toEqual([])
    })
  })

  test("is Node's own outside", async () => {
    const { setTimeout: original } = Socket.prototype
    const socket = new Socket()
    const other = run(({ sleep }) => sleep(1_000_000))
    await new Promise<void>((resolve) => socket.setTimeout(5, resolve))
    await other
    expect(Socket.prototype.setTimeout).toBe(original)
  })
})
