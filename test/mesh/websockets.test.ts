import { once } from 'node:events'
import type { request as httpRequest } from 'node:http'
import { WebSocket as UndiciSocket } from 'undici'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { call, defineMesh, http, HttpResponse, ws } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
const room = ws.link('wss://chat.shop.test/room/:name')

const shop = defineMesh({
  name: 'shop',
  services: {
    storefront: { underTest: true, calls: { chat: {} } },
    chat: {
      url: 'https://chat.shop.test',
      calls: { names: {} },
      handlers: [
        http.get('/health', () => HttpResponse.text('fine')),
        room.addEventListener('connection', ({ client, params, info }) => {
          client.send(`welcome to ${String(params['name'])}${[info.protocols].flat().map((name) => ` ${name}`)}`)
          client.addEventListener('message', async ({ data }) => {
            if (typeof data !== 'string') return client.send(data)
            if (data === 'bye') return client.close(4001, 'as you wish')
            if (data === 'fail') throw new Error('broken')
            if (data.startsWith('name ')) return client.send(await (await call('names', `/${data.slice(5)}`)).text())
            client.send(data.toUpperCase())
          })
        }),
      ],
    },
    names: { handlers: [http.get('/:id', ({ params }) => HttpResponse.text(`name of ${String(params['id'])}`))] },
  },
})

interface Client {
  readonly socket: WebSocket
  next(): Promise<string>
  nextBinary(): Promise<Buffer>
  readonly closed: Promise<{ code: number; reason: string }>
}

/** A client of the package `ws`, with its messages in order. */
async function open(url: string, protocols: string[] = []): Promise<Client> {
  const socket = new WebSocket(url, protocols)
  const messages: Buffer[] = []
  const waiting: ((message: Buffer) => void)[] = []
  socket.on('message', (data: Buffer) => {
    const first = waiting.shift()
    if (first) first(data)
    else messages.push(data)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  )
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  const nextBinary = () =>
    new Promise<Buffer>((resolve) => (messages.length > 0 ? resolve(messages.shift()!) : waiting.push(resolve)))
  return { socket, nextBinary, next: async () => (await nextBinary()).toString(), closed }
}

/** The address of a room, by the way that leads there. */
const ways: { readonly [way: string]: (mesh: Mesh, path?: string) => string } = {
  'over a listener': (mesh, path = '/room/a') => mesh.url('chat').replace('http', 'ws') + path,
  'in process': (_mesh, path = '/room/a') => `wss://chat.shop.test${path}`,
}

for (const [way, urlOf] of Object.entries(ways))
  describe(`a WebSocket ${way}`, () => {
    test('is answered by the handlers of the service', async () => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh))
      expect(await client.next()).toBe('welcome to a')
      client.socket.send('hello')
      expect(await client.next()).toBe('HELLO')
      client.socket.send(Buffer.from([1, 2, 3]))
      expect([...(await client.nextBinary())]).toEqual([1, 2, 3])
      client.socket.send('bye')
      expect(await client.closed).toEqual({ code: 4001, reason: 'as you wish' })
    })

    test('is a call in the journal, and so are its messages', async () => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh), ['v1', 'v2'])
      expect(client.socket.protocol).toBe('v1')
      expect(await client.next()).toBe('welcome to a v1, v2')
      client.socket.send('hello')
      await client.next()
      client.socket.send(Buffer.alloc(5))
      await client.next()
      client.socket.close(1000, 'enough')
      await client.closed
      expect(mesh.edge('storefront->chat').calls).toMatchObject([{ outcome: 'answered', status: 101, attempts: 1 }])
      expect(mesh.journal.where({ type: 'span.ended', kind: 'server' })).toMatchObject([{ name: 'GET /room/:name' }])
      const entries = mesh.journal.entries.filter(({ type }) => type.startsWith('socket.'))
      const common = { call: '1', edge: 'storefront->chat' }
      expect(entries.map(({ seq: _seq, t: _t, ...rest }) => rest)).toEqual([
        { type: 'socket.opened', ...common, service: 'chat', path: '/room/a', protocol: 'v1' },
        { type: 'socket.message', ...common, direction: 'to-client', bytes: 19, text: 'welcome to a v1, v2' },
        { type: 'socket.message', ...common, direction: 'to-service', bytes: 5, text: 'hello' },
        { type: 'socket.message', ...common, direction: 'to-client', bytes: 5, text: 'HELLO' },
        { type: 'socket.message', ...common, direction: 'to-service', bytes: 5 },
        { type: 'socket.message', ...common, direction: 'to-client', bytes: 5 },
        { type: 'socket.closed', ...common, code: 1000, reason: 'enough', endedBy: 'client' },
      ])
    })

    test('lets its handlers call other services, as children of its call', async () => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh))
      await client.next()
      client.socket.send('name 7')
      expect(await client.next()).toBe('name of 7')
      expect(mesh.journal.where({ type: 'call.started', edge: 'chat->names' })).toMatchObject([
        { call: '1.1', parent: '1' },
      ])
    })

    test('that no handler takes fails the test and names what is near', async () => {
      const mesh = await start(shop)
      await expect(open(urlOf(mesh, '/rooms/a'))).rejects.toThrow('Unexpected server response: 501')
      expect(mesh.problems).toHaveLength(1)
      expect(mesh.problems[0]!.message).toMatchInlineSnapshot(`
        "No handler of service "chat" takes the WebSocket WS /rooms/a (opened by storefront).
          Nearest: WS /room/:name
          Handlers: WS wss://chat.shop.test/room/:name
          Add one (ws.link('*/rooms/a').addEventListener('connection', ...)), give the service an upstream, or set unhandledRequests: 'passthrough'.   [MESH_UNHANDLED_REQUEST]"
      `)
    })

    test('is closed with 1011 when a handler fails', async () => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh))
      client.socket.send('fail')
      expect(await client.closed).toEqual({ code: 1011, reason: 'broken' })
    })

    test('is closed with 1001 when the mesh stops', async () => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh))
      await client.next()
      await mesh.stop()
      expect(await client.closed).toEqual({ code: 1001, reason: 'the mesh has stopped' })
      expect(mesh.journal.where({ type: 'socket.closed' })).toMatchObject([{ code: 1001, endedBy: 'mesh' }])
    })

    test('breaks when its service goes out', async () => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh))
      await client.next()
      mesh.chaos.outage('chat')
      expect(await client.closed).toMatchObject({ code: 1006 })
      expect(mesh.journal.where({ type: 'socket.closed' })).toMatchObject([{ code: 1006, endedBy: 'fault' }])
      await expect(open(urlOf(mesh))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    })

    test.each(['service', 'edge'])('breaks when its %s is taken away', async (what) => {
      const mesh = await start(shop)
      const client = await open(urlOf(mesh))
      await client.next()
      if (what === 'service') mesh.removeService('chat')
      else mesh.removeEdge('storefront->chat')
      expect((await client.closed).code).toBe(1006)
      expect(mesh.journal.where({ type: 'socket.closed' })).toMatchObject([{ code: 1006, endedBy: 'mesh' }])
    })

    test('can be refused in its handshake by a scripted reply', async () => {
      const mesh = await start(shop)
      mesh.service('chat').reply('GET /room/a', { status: 401, text: 'who are you' })
      await expect(open(urlOf(mesh))).rejects.toThrow('Unexpected server response: 401')
    })

    test('can be reset in its handshake', async () => {
      const mesh = await start(shop)
      mesh.chaos.reset('chat')
      await expect(open(urlOf(mesh))).rejects.toMatchObject({ code: 'ECONNRESET' })
    })

    test('can be delayed in its handshake', async () => {
      const mesh = await start(shop)
      mesh.chaos.latency('chat', { ms: 30 })
      await (await open(urlOf(mesh))).next()
      expect(mesh.edge('storefront->chat').calls[0]!.durationMs).toBeGreaterThanOrEqual(30)
    })

    test('of another client, undici, works', async () => {
      const mesh = await start(shop)
      const socket = new UndiciSocket(urlOf(mesh))
      const messages: unknown[] = []
      socket.addEventListener('message', ({ data }) => {
        messages.push(data)
        if (messages.length === 1) socket.send('hi')
        else socket.close(1000)
      })
      const [closed] = await once(socket, 'close')
      expect(messages).toEqual(['welcome to a', 'HI'])
      expect(closed).toMatchObject({ code: 1000, wasClean: true })
    })

    test('leaves plain requests to the same service alone', async () => {
      const mesh = await start(shop)
      const url = urlOf(mesh, '/health').replace('ws', 'http')
      expect(await (await fetch(url)).text()).toBe('fine')
    })

    test('is no matter of another upgrade, which is answered as a plain request', async () => {
      const mesh = await start(shop)
      const url = urlOf(mesh, '/health').replace('wss', 'https').replace(/^ws:/, 'http:')
      const { request } = await import(url.startsWith('https') ? 'node:https' : 'node:http')
      const outgoing: ReturnType<typeof httpRequest> = request(url, {
        headers: { connection: 'upgrade', upgrade: 'h2c' },
      })
      outgoing.end()
      const [response] = await once(outgoing, 'response')
      expect(response.statusCode).toBe(200)
      response.resume()
    })

    test('without a proper handshake is refused', async () => {
      const mesh = await start(shop)
      const url = urlOf(mesh).replace('wss', 'https').replace(/^ws:/, 'http:')
      const { request } = await import(url.startsWith('https') ? 'node:https' : 'node:http')
      const outgoing: ReturnType<typeof httpRequest> = request(url, {
        headers: { connection: 'upgrade', upgrade: 'websocket' },
      })
      outgoing.end()
      const [response] = await once(outgoing, 'response')
      expect(response.statusCode).toBe(400)
      expect(mesh.edge('storefront->chat').calls).toHaveLength(0)
      response.resume()
    })
  })

describe('a WebSocket in virtual time', () => {
  for (const [name, Client] of Object.entries({ ws: WebSocket, undici: UndiciSocket }))
    test(`follows the clock of the mesh, with the client of ${name}`, async () => {
      const mesh = await start(
        defineMesh({
          name: 'slow',
          services: {
            app: { underTest: true, calls: { chat: {} } },
            chat: {
              responseTime: 3_000,
              handlers: [
                ws.link('*/slow').addEventListener('connection', ({ client }) => {
                  client.addEventListener('message', ({ data }) => setTimeout(() => client.send(`${data}!`), 5_000))
                }),
              ],
            },
          },
        }),
      )
      const seen = await mesh.simulate(async ({ now }) => {
        const socket = new Client('ws://chat/slow') as WebSocket
        await new Promise((resolve) => socket.addEventListener('open', resolve))
        const openedAt = now()
        const answered = new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)))
        socket.send('hello')
        return [openedAt, await answered, now()]
      })
      expect(seen).toEqual([3_000, 'hello!', 8_000])
    })
})
