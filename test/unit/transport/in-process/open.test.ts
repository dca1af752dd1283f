import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import http from 'node:http'
import net from 'node:net'
import tls from 'node:tls'
import { fetch as undiciFetch } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answered, failed, type Reply } from '../../../../src/call/reply.ts'
import { openInProcess } from '../../../../src/transport/in-process/open.ts'
import { clients, send } from '../../../support/clients.ts'
import { fakeDoor, handClock, type FakeDoor } from '../../../support/fake-door.ts'

let clock: ReturnType<typeof handClock>
let door: FakeDoor
let opened: { close(): Promise<void> }

beforeEach(() => {
  clock = handClock()
  door = fakeDoor({ orders: 'http://orders', shop: 'https://orders.shop.test', odd: 'http://odd.test:8080' }, clock)
  opened = openInProcess(door)
})
afterEach(async () => {
  await opened.close()
  expect(door.problems).toEqual([])
})

const text = (status: number, content: string, headers: [string, string][] = []): Reply =>
  answered(status, { text: content, headers })

/** A promise and what settles it. */
function gate<T = void>(): { opened: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void
  const opened = new Promise<T>((resolve) => (open = resolve))
  return { opened, open }
}

describe('clients reach the mesh', () => {
  const all = { ...clients, 'undici.fetch': async (url: string) => (await undiciFetch(url)).text() }
  for (const [name, client] of Object.entries(all))
    for (const url of ['http://orders/a?b=1', 'https://orders.shop.test/a?b=1', 'http://odd.test:8080/a?b=1'])
      test(`${name} at ${url}`, async () => {
        expect(JSON.parse(await client(url))).toEqual({
          method: 'GET',
          path: '/a?b=1',
          caller: 'app',
          door: door.id,
        })
        expect(door.received[0]).toMatchObject({ url, origin: 'in-process', body: null })
      })

  test('a service is found by host and port, and the callee is named', async () => {
    await fetch('http://odd.test:8080/')
    await fetch('https://orders.shop.test:443/')
    expect(door.received.map(({ callee }) => callee)).toEqual(['odd', 'shop'])
  })

  test('a host with another port or protocol is not the mesh', async () => {
    await expect(fetch('http://odd.test:8081/')).rejects.toThrow('fetch failed')
    await expect(fetch('https://orders/')).rejects.toThrow('fetch failed')
    expect(door.received).toEqual([])
  })

  test('a real server next to the mesh is reached as ever', async () => {
    const server = http.createServer((_, response) => response.end('real')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as net.AddressInfo
    expect(await clients['http.request'](`http://127.0.0.1:${port}/`)).toBe('real')
    expect(await clients.fetch(`http://127.0.0.1:${port}/`)).toBe('real')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('requests arrive as they were sent', () => {
  test('a JSON body', async () => {
    await fetch('http://orders/', { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } })
    const [incoming] = door.received
    expect(Buffer.from(incoming!.body!).toString()).toBe('{"a":1}')
    expect(incoming!.headers).toContainEqual(['content-type', 'application/json'])
  })

  test('a binary body of a megabyte, and back', async () => {
    const bytes = Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 31)
    door.answer = ({ body }) => answered(200, { body: body as Uint8Array })
    const response = await fetch('http://orders/', { method: 'PUT', body: bytes })
    expect(Buffer.compare(new Uint8Array(await response.arrayBuffer()), bytes)).toBe(0)
    expect(Buffer.compare((await send('http://orders/', { method: 'PUT' }, bytes)).body, bytes)).toBe(0)
  })

  test('a chunked upload', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const part of ['one ', 'two ', 'three']) controller.enqueue(Buffer.from(part))
        controller.close()
      },
    })
    await fetch('http://orders/', { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(Buffer.from(door.received[0]!.body!).toString()).toBe('one two three')
  })

  test('headers in lower case, repeated ones in order, without any of ours', async () => {
    await send('http://orders/', { headers: { 'X-Tag': ['b', 'a'], Accept: 'text/plain' } })
    const names = door.received[0]!.headers.map(([name]) => name)
    expect(door.received[0]!.headers.filter(([name]) => name === 'x-tag')).toEqual([
      ['x-tag', 'b'],
      ['x-tag', 'a'],
    ])
    expect(names).toContain('accept')
    expect(names.filter((name) => name.includes('meshwright'))).toEqual([])
  })

  test('a request that waits for 100-continue', async () => {
    const continued = gate()
    const request = http.request('http://orders/', { method: 'POST', headers: { expect: '100-continue' } })
    request.once('continue', () => {
      continued.open()
      request.end('after')
    })
    const response = await new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve))
    await continued.opened
    response.resume()
    expect(Buffer.from(door.received[0]!.body!).toString()).toBe('after')
  })

  test('requests pipelined on one connection are answered in order', async () => {
    const slow = gate()
    door.answer = async ({ path }) => {
      if (path === '/1') await slow.opened
      else slow.open()
      return text(200, path)
    }
    const socket = net.connect(80, 'orders')
    socket.write('GET /1 HTTP/1.1\r\nhost: orders\r\n\r\nGET /2 HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer.match(/\/[12]$|\/[12](?=HTTP)/gm)).toEqual(['/1', '/2'])
  })

  test('bytes that are no HTTP get a 400 and harm nobody', async () => {
    const socket = net.connect({ host: 'orders', port: 80 })
    socket.write('hello there\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(await clients.fetch('http://orders/')).toContain('"GET"')
  })
})

describe('replies arrive as they were given', () => {
  test('status, text of the status and repeated cookies', async () => {
    door.answer = () => ({
      outcome: 'answered',
      status: 201,
      statusText: 'Made',
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
      body: null,
    })
    const response = await fetch('http://orders/')
    expect([response.status, response.statusText]).toEqual([201, 'Made'])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect((await send('http://orders/')).headers['set-cookie']).toEqual(['a=1', 'b=2'])
  })

  test('HEAD, 204 and 304 have no body and keep the connection usable', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    door.answer = ({ path, method }) => (method === 'HEAD' ? text(200, 'unsent') : answered(Number(path.slice(1))))
    const head = await send('http://orders/', { method: 'HEAD', agent })
    expect([head.headers['content-length'], head.body.length]).toEqual(['6', 0])
    for (const status of [204, 304, 200]) expect((await send(`http://orders/${status}`, { agent })).status).toBe(status)
    agent.destroy()
  })

  test('chunks of a stream come one by one', async () => {
    const second = gate()
    door.answer = () => ({
      outcome: 'answered',
      status: 200,
      headers: [],
      body: new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.from('one'))
          await second.opened
          controller.enqueue(Buffer.from('two'))
          controller.close()
        },
      }),
    })
    const reader = (await fetch('http://orders/')).body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('one')
    second.open()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('two')
    expect((await reader.read()).done).toBe(true)
  })

  test('a stream is cancelled when the client goes away, and never filled without being read', async () => {
    const cancelled = gate<unknown>()
    let pulled = 0
    door.answer = () => ({
      outcome: 'answered',
      status: 200,
      headers: [],
      body: new ReadableStream({
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(16 * 1024))
        },
        cancel: (reason) => cancelled.open(reason),
      }),
    })
    const controller = new AbortController()
    const response = await fetch('http://orders/', { signal: controller.signal })
    await response.body!.getReader().read()
    controller.abort()
    expect(await cancelled.opened).toEqual(new Error('The client went away'))
    expect(pulled).toBeLessThan(100)
  })

  test('the bytes of a reply are the client’s own', async () => {
    const body = Buffer.from('same')
    door.answer = () => answered(200, { body })
    const first = await send('http://orders/')
    first.body.fill(0)
    expect((await send('http://orders/')).body.toString()).toBe('same')
  })

  const local = { timeout: 504, 'circuit-open': 503, 'bulkhead-full': 503, unhandled: 501, 'hop-limit': 508 } as const
  for (const [outcome, status] of Object.entries(local))
    test(`${outcome} is a ${status} that names it`, async () => {
      door.answer = () => failed(outcome as keyof typeof local, { message: 'why' })
      const response = await fetch('http://orders/')
      expect([response.status, response.headers.get('x-mesh-outcome')]).toEqual([status, outcome])
      expect(await response.json()).toEqual({ outcome, message: 'why' })
    })

  test('a reply that cannot be sent is the test author’s problem and a 502', async () => {
    door.answer = () => text(200, 'x', [['x-bad', 'line\nbreak']])
    expect((await fetch('http://orders/')).status).toBe(502)
    expect(door.problems.splice(0)[0]!.message).toContain('x-bad')
  })
})

test('requests one after the other use the same few connections', async () => {
  const connections = new Set<unknown>()
  const count = (message: unknown) => connections.add((message as { socket: unknown }).socket)
  subscribe('undici:client:connected', count)
  for (let i = 0; i < 50; i++) await (await fetch('http://orders/')).text()
  unsubscribe('undici:client:connected', count)
  expect(connections.size).toBeLessThan(4)
})

describe('clients that give up', () => {
  for (const name of ['fetch', 'http.request', 'undici.request'] as const)
    test(`abort the signal of their request: ${name}`, async () => {
      const arrived = gate<AbortSignal>()
      door.answer = ({ signal }) => {
        arrived.open(signal!)
        return failed('hung')
      }
      const controller = new AbortController()
      const pending = clients[name]('http://orders/', controller.signal)
      const signal = await arrived.opened
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
      controller.abort()
      await expect(pending).rejects.toThrow(/abort/)
      await aborted
    })

  test('by an idle time-out, on the clock of the mesh', async () => {
    const arrived = gate()
    door.answer = () => {
      arrived.open()
      return failed('hung')
    }
    const timedOut = gate()
    const request = http.get('http://orders/', { timeout: 60_000 })
    request.on('timeout', () => timedOut.open())
    const ended = new Promise<Error>((resolve) => request.on('error', resolve))
    await arrived.opened
    clock.pass(60_000)
    await timedOut.opened
    request.destroy()
    expect((await ended).message).toBe('socket hang up')
  })
})

test('instrumentation of http servers does not see the mesh’s own', async () => {
  const seen: string[] = []
  const original = http.Server.prototype.emit
  http.Server.prototype.emit = function (event: string, ...args: unknown[]) {
    seen.push(event)
    return Reflect.apply(original, this, [event, ...args])
  }
  await fetch('http://orders/')
  expect(door.received).toHaveLength(1)
  expect(seen).toEqual([])
  http.Server.prototype.emit = original
})

describe('TLS', () => {
  test('a connection looks encrypted and trusted', async () => {
    const socket = tls.connect({ host: 'orders.shop.test', port: 443, servername: 'orders.shop.test' })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    expect([socket.encrypted, socket.authorized, socket.alpnProtocol]).toEqual([true, true, false])
    expect(socket.getProtocol()).toBe('TLSv1.3')
    expect(socket.getPeerCertificate().subject.CN).toBe('orders.shop.test')
    socket.destroy()
  })

  test('the callback of tls.connect is called, in each form of its arguments', async () => {
    for (const open of [
      (done: () => void) => tls.connect(443, 'orders.shop.test', {}, done),
      (done: () => void) => tls.connect(443, { host: 'orders.shop.test' }, done),
      (done: () => void) => tls.connect({ host: 'orders.shop.test', port: 443 }, done),
    ])
      await new Promise<void>((resolve) => {
        const socket = open(() => {
          socket.destroy()
          resolve()
        })
      })
  })
})
