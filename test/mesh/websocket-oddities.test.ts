import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { defineMesh, ws } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
const shop = defineMesh({
  name: 'shop',
  services: {
    app: { underTest: true, calls: { chat: {} } },
    chat: {
      url: 'http://chat.test',
      handlers: [
        ws.link('*/echo').addEventListener('connection', ({ client }) => {
          client.addEventListener('message', ({ data }) => client.send(data))
        }),
      ],
    },
  },
})

const handshake = [
  'GET /echo HTTP/1.1',
  'Host: chat.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '',
  '',
].join('\r\n')

/** A text message of a client, masked with zeroes. */
const frame = (text: string) => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])

async function raw(
  mesh: Mesh,
  first: string | Buffer,
): Promise<{ socket: net.Socket; until(bytes: Buffer): Promise<void> }> {
  const socket = net.connect(Number(new URL(mesh.url('chat')).port), '127.0.0.1')
  let seen = Buffer.alloc(0)
  let wake = () => {}
  socket.on('data', (chunk) => {
    seen = Buffer.concat([seen, chunk])
    wake()
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(first)
  return {
    socket,
    async until(bytes) {
      while (!seen.includes(bytes)) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

describe('a client of a WebSocket that behaves oddly', () => {
  test('may send messages together with its handshake', async () => {
    const mesh = await start(shop)
    const gate = mesh.hold('app->chat')
    const { socket, until } = await raw(mesh, Buffer.concat([Buffer.from(handshake), frame('early')]))
    await gate.arrived(1)
    socket.write(frame('earlier'))
    gate.release()
    await until(Buffer.from([0x81, 5, ...Buffer.from('early')]))
    await until(Buffer.from([0x81, 7, ...Buffer.from('earlier')]))
    socket.destroy()
  })

  test('that sends no frames is closed with 1002', async () => {
    const mesh = await start(shop)
    const { socket, until } = await raw(mesh, handshake)
    await until(Buffer.from('101 Switching Protocols'))
    socket.write('this is no frame, and long enough to be none')
    await until(Buffer.from([0x88, 2, 0x03, 0xea]))
    socket.destroy()
    await new Promise<void>((resolve) => {
      if (mesh.journal.where({ type: 'socket.closed' }).length > 0) return resolve()
      mesh.journal.subscribe(({ type }) => type === 'socket.closed' && resolve())
    })
    expect(mesh.problems).toEqual([])
  })

  test('that resets its connection ends the socket with 1006', async () => {
    const mesh = await start(shop)
    const { socket, until } = await raw(mesh, handshake)
    await until(Buffer.from('101 Switching Protocols'))
    const closed = new Promise<unknown>((resolve) =>
      mesh.journal.subscribe((entry) => entry.type === 'socket.closed' && resolve(entry)),
    )
    socket.resetAndDestroy()
    expect(await closed).toMatchObject({ code: 1006, endedBy: 'client' })
  })

  test('that asks for a version nobody speaks is told so', async () => {
    const mesh = await start(shop)
    const { until } = await raw(mesh, handshake.replace('Version: 13', 'Version: 7'))
    await until(Buffer.from('400 Bad Request'))
    expect(mesh.journal.where({ type: 'call.started' })).toEqual([])
  })
})

describe('a handshake under way', () => {
  for (const way of ['over a listener', 'in process'])
    test(`ends with the mesh ${way}`, async () => {
      const mesh = await start(shop)
      const gate = mesh.hold('app->chat')
      const socket = new WebSocket(way === 'in process' ? 'ws://chat.test/echo' : `${mesh.url('chat').replace('http', 'ws')}/echo`) // prettier-ignore
      const failed = once(socket, 'close')
      socket.on('error', () => {})
      await gate.arrived(1)
      await mesh.stop()
      expect((await failed)[0]).toBe(1001)
      expect(mesh.journal.where({ type: 'socket.closed' })).toMatchObject([{ code: 1001, endedBy: 'mesh' }])
      expect(mesh.journal.where({ type: 'socket.message' })).toEqual([])
    })
})
