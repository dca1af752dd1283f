import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'
import tls from 'node:tls'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { defineMesh, ws } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
const echo = ws.link('*/echo').addEventListener('connection', ({ client }) => {
  client.addEventListener('message', ({ data }) => {
    if (data === 'bye') client.close(4000, 'bye')
    else client.send(data)
  })
})

const services = {
  app: { underTest: true, calls: { chat: {} } },
  chat: { url: 'https://chat.shop.test', handlers: [echo] },
}
const shop = defineMesh({ name: 'shop', services })
const sidecar = (edge: object) => shop.with({ services: { app: { sidecar: true, calls: { chat: edge } } } })

async function echoed(socket: WebSocket, text: string): Promise<string> {
  if (socket.readyState === WebSocket.CONNECTING) await once(socket, 'open')
  socket.send(text)
  return String((await once(socket, 'message'))[0])
}

const statusOf = (url: string) =>
  new Promise<number | string>((resolve) => {
    const socket = new WebSocket(url)
    socket.once('unexpected-response', (_, { statusCode = 0 }) => {
      resolve(statusCode)
      socket.on('error', () => {})
      socket.terminate()
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'error'))
    socket.once('open', () => {
      resolve(101)
      socket.terminate()
    })
  })

const python = '/usr/bin/python3'
function hasAiohttp(): boolean {
  try {
    execFileSync(python, ['-c', 'import aiohttp'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('a WebSocket', () => {
  test('is reached over TLS on the same port', async () => {
    const mesh = await start(shop, { transport: 'listeners' })
    const url = mesh.url('chat').replace('http:', 'wss:')
    expect(await echoed(new WebSocket(`${url}/echo`, { ca: mesh.authority.certificate }), 'hello')).toBe('hello')
  })

  test('is reached by its real name through the proxy', async () => {
    const mesh = await start(shop, { transport: 'listeners' })
    const { hostname, port } = new URL(mesh.proxy())
    const connect = request({ method: 'CONNECT', host: hostname, port, path: 'chat.shop.test:443' }).end()
    const [, tunnel] = (await once(connect, 'connect')) as [unknown, Socket]
    const secure = tls.connect({ socket: tunnel, servername: 'chat.shop.test', ca: mesh.authority.certificate })
    await once(secure, 'secureConnect')
    const socket = new WebSocket('wss://chat.shop.test/echo', { createConnection: () => secure })
    expect(await echoed(socket, 'hello')).toBe('hello')
    expect(mesh.journal.where({ type: 'call.started' })).toMatchObject([{ origin: 'proxy', edge: 'app->chat' }])
    const closed = once(socket, 'close')
    await mesh.stop()
    expect((await closed)[0]).toBe(1001)
  })

  test(`${hasAiohttp() ? '' : 'skipped, no aiohttp here: '}is reached by aiohttp of Python`, async (context) => {
    if (!hasAiohttp()) return context.skip()
    const mesh = await start(shop)
    const script = `
import asyncio, aiohttp, json, sys
async def main(url):
    out = {}
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=('v1',)) as socket:
            out['protocol'] = socket.protocol
            await socket.send_str('hello'); out['text'] = (await socket.receive()).data
            await socket.send_bytes(b'\\x01\\x02'); out['bytes'] = list((await socket.receive()).data)
            await socket.ping()
            await socket.send_str('bye'); message = await socket.receive()
            out['closed'] = socket.close_code
    print(json.dumps(out))
asyncio.run(main(sys.argv[1]))
`
    const { stdout } = await promisify(execFile)(python, ['-c', script, `${mesh.url('chat')}/echo`])
    expect(JSON.parse(stdout)).toEqual({ protocol: 'v1', text: 'hello', bytes: [1, 2], closed: 4000 })
  })

  test('carries messages of many sizes unchanged, in order', async () => {
    const mesh = await start(shop)
    for (const url of [`${mesh.url('chat').replace('http', 'ws')}/echo`, 'wss://chat.shop.test/echo']) {
      const socket = new WebSocket(url)
      await once(socket, 'open')
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 3_000_000]
      const sent = sizes.map((size, i) => Buffer.alloc(size, i + 1))
      const received: Buffer[] = []
      const all = new Promise<void>((resolve) =>
        socket.on('message', (data: Buffer) => {
          if (received.push(data) === sent.length) resolve()
        }),
      )
      for (const message of sent) socket.send(message)
      await all
      expect(received.map((data, i) => data.equals(sent[i]!))).toEqual(sent.map(() => true))
      socket.terminate()
    }
  })

  test('is opened by a handler that a test puts in front', async () => {
    const mesh = await start(shop)
    mesh
      .service('chat')
      .use(ws.link('*/later').addEventListener('connection', ({ client }) => client.send(new Blob(['as a ', 'blob']))))
    const [data, isBinary] = await once(new WebSocket('wss://chat.shop.test/later'), 'message')
    expect([String(data), isBinary]).toEqual(['as a blob', true])
  })

  test('that nobody takes is 404 with unhandledRequests: passthrough', async () => {
    const mesh = await start(defineMesh({ name: 'lax', services, unhandledRequests: 'passthrough' }))
    expect(await statusOf('wss://chat.shop.test/nowhere')).toBe(404)
    expect(mesh.problems).toEqual([])
  })

  test('that is called along an edge which is not declared fails the test', async () => {
    const mesh = await start(
      defineMesh({
        name: 'm',
        services: { app: { underTest: true }, chat: { url: 'http://chat.test', handlers: [echo] } },
      }),
    )
    expect(await statusOf('ws://chat.test/echo')).toBe(501)
    expect(mesh.problems).toMatchObject([{ code: 'MESH_UNDECLARED_CALL' }])
  })
})

describe('policies in the handshake of a WebSocket', () => {
  test('retry: a second try opens it', async () => {
    const mesh = await start(sidecar({ retry: { attempts: 2 } }))
    mesh.chaos.abort('chat', { status: 503, times: 1 })
    expect(await echoed(new WebSocket('wss://chat.shop.test/echo'), 'a')).toBe('a')
    expect(mesh.edge('app->chat').calls).toMatchObject([{ attempts: 2, status: 101 }])
  })

  test('time-out: 504', async () => {
    const mesh = await start(sidecar({ timeoutMs: 20 }))
    mesh.chaos.latency('chat', { ms: 60_000 })
    expect(await statusOf('wss://chat.shop.test/echo')).toBe(504)
    expect(mesh.journal.where({ type: 'socket.opened' })).toEqual([])
  })

  test('circuit breaker: 503 while it is open', async () => {
    const mesh = await start(sidecar({ circuitBreaker: { consecutiveFailures: 1, openMs: 60_000 } }))
    mesh.chaos.abort('chat', { status: 500, times: 1 })
    const url = `${mesh.url('chat').replace('http', 'ws')}/echo`
    expect(await statusOf(url)).toBe(500)
    expect(await statusOf(url)).toBe(503)
    expect(mesh.edge('app->chat').circuit!.state).toBe('open')
  })

  test('a client that gives up meanwhile leaves nothing open', async () => {
    const mesh = await start(shop)
    for (const url of [`${mesh.url('chat').replace('http', 'ws')}/echo`, 'wss://chat.shop.test/echo']) {
      const gate = mesh.hold('app->chat')
      const socket = new WebSocket(url)
      socket.on('error', () => {})
      await gate.arrived(1)
      const ended = new Promise<void>((resolve) => {
        const undo = mesh.journal.subscribe(({ type }) => {
          if (type !== 'call.ended') return
          undo()
          resolve()
        })
      })
      socket.terminate()
      await ended
      gate.release()
    }
    await mesh.settled()
    expect(mesh.journal.where({ type: 'call.given-up' })).toHaveLength(2)
    expect(mesh.journal.where({ type: 'socket.opened' })).toEqual([])
  })
})

describe('what travels', () => {
  test('over a WebSocket arrives as it was sent, whatever it is', async () => {
    const mesh = await start(shop)
    const socket = new WebSocket(`${mesh.url('chat').replace('http', 'ws')}/echo`)
    await once(socket, 'open')
    const message = fc.oneof(
      fc.string({ unit: 'grapheme' }).filter((text) => text !== 'bye'),
      fc.uint8Array({ maxLength: 300 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 8 }), async (messages) => {
        const received: (string | number[])[] = []
        const from = mesh.journal.entries.length
        const all = new Promise<void>((resolve) => {
          const listen = (data: Buffer, isBinary: boolean) => {
            if (received.push(isBinary ? [...data] : data.toString()) < messages.length) return
            socket.off('message', listen)
            resolve()
          }
          socket.on('message', listen)
        })
        for (const one of messages) socket.send(one)
        await all
        expect(received).toEqual(messages.map((one) => (typeof one === 'string' ? one : [...one])))
        const noted = mesh.journal.entries
          .slice(from)
          .flatMap((entry) => (entry.type === 'socket.message' ? entry : []))
        for (const direction of ['to-service', 'to-client'])
          expect(noted.filter((entry) => entry.direction === direction).map(({ bytes }) => bytes)).toEqual(
            messages.map((one) => Buffer.byteLength(one)),
          )
      }),
      { numRuns: 40 },
    )
    socket.terminate()
  })
})
