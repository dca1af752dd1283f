import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { defineMesh, ws } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
let origin: string
let seen: IncomingMessage[]
/** What the real service does with a socket that is opened. */
let onSocket: (socket: WebSocket) => void
/** Answers the handshake with this status instead. */
let refusal: number | undefined
let close: () => Promise<void>
let sockets: WebSocketServer

beforeEach(async () => {
  seen = []
  refusal = undefined
  onSocket = (socket) => {
    socket.send('at once')
    socket.on('message', (data, isBinary) => socket.send(isBinary ? data : `echo ${String(data)}`))
  }
  const real = createServer((_, response) => void response.end('plain'))
  sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  })
  sockets.on('headers', (lines) => lines.push('x-real: yes'))
  real.on('upgrade', (request, socket, head) => {
    seen.push(request)
    if (refusal !== undefined)
      return socket.end(`HTTP/1.1 ${refusal} No\r\nx-why: because\r\ncontent-length: 0\r\n\r\n`)
    sockets.handleUpgrade(request, socket, head, (opened) => onSocket(opened))
  })
  await new Promise<void>((resolve) => real.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(real.address() as AddressInfo).port}`
  close = async () => {
    for (const socket of sockets.clients) socket.terminate()
    const gone = once(real, 'close')
    real.close()
    real.closeAllConnections()
    await gone
  }
})
afterEach(() => close())

const shopWith = (chat: object) =>
  defineMesh({
    name: 'shop',
    services: { app: { underTest: true, calls: { chat: {} } }, chat: { url: 'http://chat.test', ...chat } },
  })

const opened = async (url: string, protocols: string[] = [], headers: Record<string, string> = {}) => {
  const socket = new WebSocket(url, protocols, { headers })
  const messages: string[] = []
  const waiting: ((message: string) => void)[] = []
  socket.on('message', (data: Buffer) => {
    const first = waiting.shift()
    if (first) first(data.toString())
    else messages.push(data.toString())
  })
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)))
  const [response] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])
  const next = () => new Promise<string>((ok) => (messages.length ? ok(messages.shift()!) : waiting.push(ok)))
  return { socket, next, closed, headers: (response[0] as IncomingMessage).headers }
}

describe('a WebSocket of a real service behind the mesh', () => {
  test('is relayed, with its headers, its subprotocol and the trace', async () => {
    const mesh = await start(shopWith({ upstream: origin }))
    const { socket, next, closed, headers } = await opened(`ws://chat.test/live?x=1`, ['a', 'b'], { cookie: 'c=1' })
    expect(await next()).toBe('at once')
    socket.send('hi')
    expect(await next()).toBe('echo hi')
    expect(socket.protocol).toBe('b')
    expect(headers['x-real']).toBe('yes')
    const [request] = seen
    expect(request!.url).toBe('/live?x=1')
    expect(request!.headers).toMatchObject({ cookie: 'c=1', host: new URL(origin).host })
    expect(request!.headers['traceparent']).toMatch(/^00-/)
    socket.close(4002, 'done')
    expect(await closed).toBe(4002)
    expect(mesh.journal.where({ type: 'socket.message' }).map(({ direction, text }) => [direction, text])).toEqual([
      ['to-client', 'at once'],
      ['to-service', 'hi'],
      ['to-client', 'echo hi'],
    ])
  })

  test('closes with the code of the real service', async () => {
    onSocket = (socket) => socket.close(4003, 'full')
    await start(shopWith({ upstream: origin }))
    const { closed } = await opened('ws://chat.test/')
    expect(await closed).toBe(4003)
  })

  test('breaks with the real service', async () => {
    onSocket = (socket) => socket.terminate()
    await start(shopWith({ upstream: origin }))
    const { closed } = await opened('ws://chat.test/')
    expect(await closed).toBe(1006)
  })

  test('shows the answer of a real service that refuses it', async () => {
    refusal = 403
    await start(shopWith({ upstream: origin }))
    const socket = new WebSocket('ws://chat.test/')
    const [, response] = await once(socket, 'unexpected-response')
    expect(response).toMatchObject({ statusCode: 403, headers: { 'x-why': 'because' } })
    response.destroy()
  })

  test('is refused when nobody is there', async () => {
    await start(shopWith({ upstream: 'http://127.0.0.1:1' }))
    await expect(opened('ws://chat.test/')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('is closed on both sides when the mesh stops', async () => {
    const gone = new Promise<number>((resolve) => (onSocket = (socket) => socket.once('close', resolve)))
    const mesh = await start(shopWith({ upstream: origin }))
    const { closed } = await opened('ws://chat.test/')
    await mesh.stop()
    expect(await closed).toBe(1001)
    expect([1001, 1006]).toContain(await gone)
  })

  test('holds a sender up while the reader is slow', async () => {
    const total = 64
    const chunk = Buffer.alloc(1024 * 1024)
    let sent = 0
    onSocket = (socket) => {
      const more = () => {
        while (sent < total && socket.bufferedAmount < chunk.byteLength) {
          sent++
          socket.send(chunk, () => more())
        }
      }
      more()
    }
    const mesh = await start(shopWith({ upstream: origin }), { transport: 'listeners' })
    const socket = new WebSocket(mesh.url('chat').replace('http', 'ws'))
    let received = 0
    await once(socket, 'open')
    socket.pause()
    // The journal tells what came through while nobody read: buffers on the way, and no more.
    let before = -1
    for (let calm = 0; calm < 20;) {
      await new Promise((resolve) => setImmediate(resolve))
      const now = mesh.journal.where({ type: 'socket.message' }).length
      calm = now === before && now > 0 ? calm + 1 : 0
      before = now
    }
    expect(before).toBeLessThan(total / 2)
    const all = new Promise<void>((resolve) =>
      socket.on('message', () => {
        if (++received === total) resolve()
      }),
    )
    socket.resume()
    await all
  })
})

describe('server.connect() in a handler', () => {
  const link = ws.link('*/live')

  test('joins client and service, and a handler may change what travels', async () => {
    const listener = link.addEventListener('connection', ({ client, server }) => {
      server.connect()
      client.addEventListener('message', (event) => {
        if (event.data === 'secret') {
          event.preventDefault()
          server.send('***')
        }
      })
      server.addEventListener('message', (event) => {
        if (event.data === 'at once') {
          event.preventDefault()
          client.send('changed')
        }
      })
    })
    await start(shopWith({ upstream: origin, handlers: [listener] }))
    const { socket, next } = await opened('ws://chat.test/live')
    socket.send('one')
    expect(await next()).toBe('changed')
    expect(await next()).toBe('echo one')
    socket.send('secret')
    expect(await next()).toBe('echo ***')
  })

  test('can end the connection to the service and keep the client', async () => {
    const listener = link.addEventListener('connection', ({ client, server }) => {
      server.connect()
      server.addEventListener('message', () => server.close())
      server.addEventListener('close', () => client.send('alone'))
    })
    await start(shopWith({ upstream: origin, handlers: [listener] }))
    const { next } = await opened('ws://chat.test/live')
    expect(await next()).toBe('at once')
    expect(await next()).toBe('alone')
  })

  test('without a real service is a mistake that the test is told of', async () => {
    const mesh = await start(
      shopWith({ handlers: [link.addEventListener('connection', ({ server }) => server.connect())] }),
    )
    const { closed } = await opened('ws://chat.test/live')
    expect(await closed).toBe(1011)
    expect(mesh.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('server.connect: "chat" has no real service behind it'),
    ])
  })

  test('to a service that refuses tells the handler, and breaks the connection unless it minds', async () => {
    refusal = 503
    const broken = link.addEventListener('connection', ({ server }) => server.connect())
    const mesh = await start(shopWith({ upstream: origin, handlers: [broken] }))
    expect(await (await opened('ws://chat.test/live')).closed).toBe(1006)
    mesh.service('chat').use(
      link.addEventListener('connection', ({ client, server }) => {
        server.addEventListener('error', (event) => {
          event.preventDefault()
          client.send('nobody there')
        })
      }),
    )
    expect(await (await opened('ws://chat.test/live')).next()).toBe('nobody there')
  })
})
