import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answered, failed, type Reply } from '../../../src/call/reply.ts'
import { turns } from '../../../src/time/turns.ts'
import { openListener, type Listener } from '../../../src/transport/listener.ts'
import { clients, send } from '../../support/clients.ts'
import { fakeDoor, type FakeDoor } from '../../support/fake-door.ts'
import { tcpHandles } from '../../support/tcp-handles.ts'

let door: FakeDoor
let listener: Listener

beforeEach(async () => {
  door = fakeDoor({ orders: 'http://orders' })
  listener = await openListener(door, { caller: 'app', callee: 'orders' })
})
afterEach(async () => {
  await listener.close()
  expect(door.problems).toEqual([])
})

/** Sends raw bytes and gives all that comes back until the connection ends, and how it ended. */
async function raw(bytes: string): Promise<{ received: string; ending: string }> {
  const socket = net.connect(listener.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ending = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('FIN'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
  })
  socket.write(bytes)
  return { ending: await ending, received: Buffer.concat(chunks).toString() }
}

const get = (path = '/') => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`

describe('a request', () => {
  test('comes from the caller to the callee of the listener', async () => {
    const response = await fetch(`${listener.url}/items?a=1`, { method: 'POST', body: 'hello' })
    expect(await response.json()).toMatchObject({ path: '/items?a=1', caller: 'app' })
    expect(door.received[0]).toMatchObject({
      callee: 'orders',
      origin: 'listener',
      method: 'POST',
      url: `${listener.url}/items?a=1`,
    })
    expect(Buffer.from(door.received[0]!.body!).toString()).toBe('hello')
  })

  test.each(['', 'a/b', 'a?x=', 'a#x', 'user:word@a', '[::1]:80'])(
    'has its own path, whatever host it names: %j',
    async (host) => {
      await raw(`GET /items/7?a HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
      expect(door.received.at(-1)!.path).toBe('/items/7?a')
    },
  )

  test('may name its target in full, or with two slashes', async () => {
    for (const [target, path] of [
      ['http://orders.shop.test/a?b', '/a?b'],
      ['//double/a', '//double/a'],
      ['*', '/'],
    ]) {
      await raw(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
      expect(door.received.at(-1)!.path).toBe(path)
    }
  })

  const malformed: Record<string, string> = {
    'no HTTP': 'hello\r\n\r\n',
    'a bad header': 'GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
    'a bad chunk': 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    'no host': 'GET / HTTP/1.1\r\n\r\n',
    'a header without end': `GET / HTTP/1.1\r\nx: ${'a'.repeat(40_000)}`,
    'a tunnel': 'CONNECT orders:443 HTTP/1.1\r\nhost: orders:443\r\n\r\n',
  }
  for (const [what, bytes] of Object.entries(malformed))
    test(`malformed by ${what} ends its own connection only`, async () => {
      const { received } = await raw(bytes)
      expect(received).toMatch(/^(HTTP\/1.1 4\d\d .*|)/)
      expect(received).not.toContain('200 OK')
      expect(await clients.fetch(listener.url)).toContain('GET')
    })

  test('that ends half-way never reaches the mesh', async () => {
    const socket = net.connect(listener.port, '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf')
    await once(socket, 'connect')
    socket.resetAndDestroy()
    await clients.fetch(listener.url)
    expect(door.received.map(({ method }) => method)).toEqual(['GET'])
  })

  test('whose client goes away is told so', async () => {
    let arrive!: (signal: AbortSignal) => void
    const arrived = new Promise<AbortSignal>((resolve) => (arrive = resolve))
    door.answer = ({ signal }) => {
      arrive(signal!)
      return failed('hung')
    }
    const request = http.get(listener.url).on('error', () => {})
    const signal = await arrived
    request.destroy()
    await once(signal, 'abort')
    expect(signal.reason).toEqual(new Error('The client went away'))
  })
})

describe('a reply', () => {
  const partial = { status: 200, headers: [['x-a', '1']] as const, body: Buffer.from('0123456789') }
  const rendered: Record<string, [Reply, { received: RegExp; ending: string }]> = {
    reset: [failed('reset'), { received: /^$/, ending: 'ECONNRESET' }],
    'refused, of one request only': [failed('refused'), { received: /^$/, ending: 'ECONNRESET' }],
    closed: [failed('closed'), { received: /^$/, ending: 'FIN' }],
    truncated: [
      failed('truncated', { partial: { ...partial, declaredLength: 25 } }),
      { received: /^HTTP\/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 25\r\n[^]*\r\n\r\n0123456789$/, ending: 'FIN' },
    ],
    'reset mid-body': [
      failed('reset-mid-body', { partial: { ...partial, declaredLength: 25 } }),
      { received: /content-length: 25\r\n[^]*\r\n\r\n0123456789$/, ending: 'ECONNRESET' },
    ],
    'reset mid-body, in chunks': [
      failed('reset-mid-body', { partial }),
      { received: /transfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n$/i, ending: 'ECONNRESET' },
    ],
  }
  for (const [name, [reply, { received, ending }]] of Object.entries(rendered))
    test(`that is ${name} is so to the byte`, async () => {
      door.answer = () => reply
      const seen = await raw(get())
      expect(seen.received).toMatch(received)
      expect(seen.ending).toBe(ending)
    })

  test('in a stream comes chunk by chunk, and breaks as the stream breaks', async () => {
    for (const [error, message] of [
      [Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'read ECONNRESET'],
      [new Error('x'), 'other side closed'],
    ] as const) {
      let isSent = false
      door.answer = () => ({
        outcome: 'answered',
        status: 200,
        headers: [],
        body: new ReadableStream(
          {
            pull(controller) {
              if (isSent) return controller.error(error)
              isSent = true
              controller.enqueue(Buffer.from('one'))
            },
          },
          { highWaterMark: 0 },
        ),
      })
      const reader = (await fetch(listener.url)).body!.getReader()
      expect(Buffer.from((await reader.read()).value!).toString()).toBe('one')
      await expect(reader.read()).rejects.toMatchObject({ message: 'terminated', cause: { message } })
    }
  })

  test('keeps the connection for the next request', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number>()
    for (let i = 0; i < 3; i++) {
      const request = http.get(listener.url, { agent })
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      ports.add(response.socket.localPort!)
      await once(response.resume(), 'end')
    }
    expect(ports.size).toBe(1)
    agent.destroy()
  })

  test('of a mesh that throws is a 502, and the author’s problem', async () => {
    door.answer = () => {
      throw new Error('broken mesh')
    }
    expect((await fetch(listener.url)).status).toBe(502)
    expect(door.problems.splice(0)).toEqual([new Error('broken mesh')])
  })
})

describe('while the edge is refused', () => {
  test('the port is closed, open connections are reset, and the same port opens again', async () => {
    const agent = new http.Agent({ keepAlive: true })
    door.answer = ({ path }) => (path === '/hung' ? failed('hung') : answered(200))
    const hung = send(`${listener.url}/hung`, { agent }).catch((error: NodeJS.ErrnoException) => error)
    await send(listener.url)
    door.refuse('app->orders', true)
    await listener.settled()
    expect(await hung).toMatchObject({ code: 'ECONNRESET', message: 'read ECONNRESET' })
    await expect(send(listener.url, { agent })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    door.refuse('app->orders', false)
    await listener.settled()
    expect((await send(listener.url, { agent })).status).toBe(200)
    agent.destroy()
  })

  test('from the start, nothing listens until it ends', async () => {
    door.refuse('app->payments', true)
    const late = await openListener(door, { caller: 'app', callee: 'payments' })
    await expect(send(late.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    door.refuse('app->payments', false)
    await late.settled()
    expect((await send(late.url)).status).toBe(200)
    await late.close()
  })

  test('quick changes end in the last one', async () => {
    for (let i = 0; i < 20; i++) door.refuse('app->orders', i % 2 === 0)
    await listener.settled()
    expect((await send(listener.url)).status).toBe(200)
  })

  test('another edge’s refusal changes nothing', async () => {
    door.refuse('app->payments', true)
    await listener.settled()
    expect((await send(listener.url)).status).toBe(200)
  })
})

describe('the port', () => {
  test('that is taken is named, with what to do', async () => {
    const other = openListener(door, { caller: 'app', callee: 'orders', port: listener.port })
    await expect(other).rejects.toMatchObject({ code: 'MESH_PORT_TAKEN' })
    await expect(other).rejects.toThrow(`Port ${listener.port} on 127.0.0.1 is taken`)
  })

  test('is on the loopback interface only', async () => {
    expect(listener.url).toBe(`http://127.0.0.1:${listener.port}`)
  })

  test('is free again after close, which may be called twice, with requests under way', async () => {
    door.answer = () => failed('hung')
    const hung = send(listener.url).catch((error: Error) => error.message)
    while (door.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([listener.close(), listener.close()])
    expect(await hung).toBe('socket hang up')
    await expect(send(listener.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const again = await openListener(door, { caller: 'app', callee: 'orders', port: listener.port })
    expect(again.port).toBe(listener.port)
    await again.close()
  })

  test('leaves no handle open after close', async () => {
    await listener.close()
    const use = async () => {
      const one = await openListener(door, { caller: 'app', callee: 'orders' })
      expect(tcpHandles()).toBeGreaterThan(0)
      await send(one.url)
      await one.close()
      await turns(2)
    }
    await use()
    const before = tcpHandles()
    await use()
    expect(tcpHandles()).toBe(before)
  })
})
