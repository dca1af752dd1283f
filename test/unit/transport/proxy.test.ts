import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import tls from 'node:tls'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import { sharedAuthority } from '../../../src/transport/authority.ts'
import { openProxy } from '../../../src/transport/proxy.ts'
import type { Proxy, ProxyOptions } from '../../../src/transport/proxy.ts'
import { fakeDoor, type FakeDoor } from '../../support/fake-door.ts'

let door: FakeDoor
let proxy: Proxy
let refused: string[]

const open = (options: Partial<ProxyOptions> = {}) =>
  openProxy(door, {
    caller: 'app',
    unknownHosts: 'refuse',
    forPages: false,
    authority: sharedAuthority,
    refused: ({ host, port }) => void refused.push(`${host}:${port}`),
    ...options,
  })

beforeEach(async () => {
  refused = []
  door = fakeDoor({ orders: 'http://orders.shop.test', payments: 'https://payments.shop.test' })
  proxy = await open()
})
afterEach(async () => {
  await proxy.close()
  expect(door.problems).toEqual([])
})

/** Sends raw bytes and gives all that comes back until the connection ends, and how it ended. */
async function raw(bytes: string | Uint8Array, to = proxy): Promise<{ received: string; ending: string }> {
  const socket = net.connect(to.port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  const ending = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('FIN'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
  })
  socket.write(bytes)
  return { ending: await ending, received }
}

/** A tunnel, with the head of the answer to its CONNECT. */
async function connect(authority: string, to = proxy): Promise<{ socket: net.Socket; head: string }> {
  const socket = net.connect(to.port, '127.0.0.1')
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return { socket, head: chunk.toString() }
}

const established = 'HTTP/1.1 200 Connection Established\r\n\r\n'
const closing = 'connection: close\r\n\r\n'

/** A real server on this machine. */
async function real(answer: http.RequestListener): Promise<{ host: string; server: http.Server; close(): void }> {
  const server = http.createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('a request that names its target in full', () => {
  test('is a call of the caller to the service at that address', async () => {
    const { received } = await raw(
      `POST http://orders.shop.test/items?a=1 HTTP/1.1\r\nhost: orders.shop.test\r\nproxy-connection: close\r\nproxy-authorization: Basic eA==\r\nx-a: 1\r\ncontent-length: 2\r\n${closing}{}`,
    )
    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(door.received).toMatchObject([
      {
        caller: 'app',
        callee: 'orders',
        origin: 'proxy',
        method: 'POST',
        path: '/items?a=1',
        url: 'http://orders.shop.test/items?a=1',
        headers: [
          ['host', 'orders.shop.test'],
          ['x-a', '1'],
          ['content-length', '2'],
          ['connection', 'close'],
        ],
      },
    ])
  })

  test('is for the host of its target, whatever else it says, and for nobody’s eyes what it tells the proxy', async () => {
    await raw(
      `GET http://me:secret@orders.shop.test/ HTTP/1.1\r\nhost: elsewhere.test\r\nproxy-authorization: Basic YTpi\r\n${closing}`,
    )
    const { url, headers } = door.received[0]!
    expect(url).toBe('http://orders.shop.test/')
    expect(headers.filter(([name]) => name !== 'connection')).toEqual([['host', 'orders.shop.test']])
  })

  test('may name an https address', async () => {
    await raw(`GET https://payments.shop.test/ HTTP/1.1\r\nhost: payments.shop.test\r\n${closing}`)
    await raw(`GET https://payments.shop.test:443/b HTTP/1.1\r\nhost: payments.shop.test\r\n${closing}`)
    expect(door.received.map(({ callee, url }) => `${callee} ${url}`)).toEqual([
      'payments https://payments.shop.test/',
      'payments https://payments.shop.test/b',
    ])
  })

  test('may follow another one to another service on the same connection', async () => {
    const { received } = await raw(
      `GET http://orders.shop.test/1 HTTP/1.1\r\nhost: a\r\n\r\nGET https://payments.shop.test/2 HTTP/1.1\r\nhost: a\r\n${closing}`,
    )
    expect(received.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2)
    expect(door.received.map(({ callee }) => callee)).toEqual(['orders', 'payments'])
  })

  test('breaks as the network of the mesh breaks', async () => {
    door.answer = () => failed('reset')
    const get = `GET http://orders.shop.test/ HTTP/1.1\r\nhost: a\r\n\r\n`
    expect(await raw(get)).toEqual({ received: '', ending: 'ECONNRESET' })
    door.answer = () => failed('closed')
    expect(await raw(get)).toEqual({ received: '', ending: 'FIN' })
    const partial = { status: 200, headers: [], body: Buffer.from('half'), declaredLength: 8 }
    door.answer = () => failed('reset-mid-body', { partial })
    expect(await raw(get)).toEqual({ received: expect.stringMatching(/\r\n\r\nhalf$/), ending: 'ECONNRESET' })
  })

  test('is reset when its service goes out meanwhile', async () => {
    door.answer = () => {
      door.refuse('app->orders', true)
      return failed('hung')
    }
    expect(await raw(`GET http://orders.shop.test/ HTTP/1.1\r\nhost: a\r\n\r\n`)).toEqual({
      received: '',
      ending: 'ECONNRESET',
    })
  })
})

describe('a tunnel', () => {
  test('carries TLS with a certificate of the host', async () => {
    const { socket, head } = await connect('payments.shop.test:443')
    expect(head).toBe(established)
    const { certificate } = await sharedAuthority()
    const secure = tls.connect({ socket, servername: 'payments.shop.test', ca: certificate })
    await once(secure, 'secureConnect')
    secure.write(`GET /charges HTTP/1.1\r\nhost: payments.shop.test\r\n${closing}`)
    const chunks = await secure.toArray()
    expect(Buffer.concat(chunks).toString()).toContain('"path":"/charges"')
    expect(door.received).toMatchObject([{ callee: 'payments', url: 'https://payments.shop.test/charges' }])
  })

  test('carries plain HTTP, also what came with the CONNECT', async () => {
    const { received } = await raw(
      `CONNECT orders.shop.test:80 HTTP/1.1\r\nhost: a\r\n\r\nGET /a HTTP/1.1\r\nhost: a\r\n\r\nGET http://else.test/b HTTP/1.1\r\nhost: a\r\n${closing}`,
    )
    expect(received).toContain(established)
    expect(door.received.map(({ url }) => url)).toEqual(['http://orders.shop.test/a', 'http://orders.shop.test/b'])
  })

  test('to a service that is out is reset when the client speaks', async () => {
    door.refuse('app->payments', true)
    const { socket, head } = await connect('payments.shop.test:443')
    expect(head).toBe(established)
    const secure = tls.connect({ socket, servername: 'payments.shop.test' })
    const [error] = (await once(secure, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNRESET')
    expect(door.received).toEqual([])
  })

  test('that is open is reset when its service goes out, and no other', async () => {
    const { socket } = await connect('payments.shop.test:443')
    const other = await connect('orders.shop.test:80')
    door.refuse('app->payments', true)
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNRESET')
    other.socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${closing}`)
    expect(Buffer.concat(await other.socket.toArray()).toString()).toContain('200 OK')
  })

  test('does not lead into the next one', async () => {
    const { received } = await raw(
      'CONNECT orders.shop.test:80 HTTP/1.1\r\nhost: a\r\n\r\nCONNECT payments.shop.test:443 HTTP/1.1\r\nhost: a\r\n\r\n',
    )
    expect(received).toMatch(/^HTTP\/1.1 200 Connection Established\r\n\r\nHTTP\/1.1 400 Bad Request\r\n/)
  })
})

describe('a host of this machine', () => {
  test('is reached for real, whatever the request is', async () => {
    const app = await real((request, response) => {
      response.setHeader('x-via', request.url!)
      request.pipe(response)
    })
    const posted = await raw(
      `POST http://${app.host}/x?y HTTP/1.1\r\nhost: ${app.host}\r\nproxy-connection: close\r\ncontent-length: 5\r\n${closing}hello`,
    )
    expect(posted.received).toMatch(/^HTTP\/1.1 200 OK\r\nx-via: \/x\?y\r\n[^]*hello/)
    const { socket } = await connect(app.host)
    socket.write(`GET /tunnel HTTP/1.1\r\nhost: a\r\n${closing}`)
    expect(Buffer.concat(await socket.toArray()).toString()).toContain('x-via: /tunnel')
    app.close()
    expect(door.received).toEqual([])
  })

  test('is told what its client says, and nothing of what is between the client and the proxy', async () => {
    const app = await real((request, response) => response.end(JSON.stringify(request.rawHeaders)))
    const { received } = await raw(
      `GET http://${app.host}/ HTTP/1.1\r\nhost: elsewhere.test\r\nx-own: 1\r\nx-hop: 2\r\nte: trailers\r\n` +
        `proxy-authorization: Basic YTpi\r\nconnection: x-hop, close\r\n\r\n`,
    )
    app.close()
    const [told] = /\[.*\]/.exec(received)!
    // The last two are of the connection between the proxy and the server.
    expect(JSON.parse(told)).toEqual(['Host', app.host, 'x-own', '1', 'Connection', 'close'])
  })

  test('is reached by clients of HTTP/1.0, which know no hosts and no chunks', async () => {
    const app = await real((request, response) => {
      response.write(`to ${request.headers.host}`)
      setImmediate(() => response.end(' whole'))
    })
    const { received } = await raw(`GET http://${app.host}/ HTTP/1.0\r\n\r\n`)
    app.close()
    expect(received).not.toMatch(/transfer-encoding/i)
    expect(received).toMatch(new RegExp(`\r\n\r\nto ${app.host} whole$`))
  })

  test('has the bytes of its headers with an upgrade, too', async () => {
    const app = await real(() => {})
    app.server.on('upgrade', (request, socket) =>
      socket.end(`HTTP/1.1 400 No\r\nx-heard: ${request.headers['x-own']}\r\n\r\n`, 'latin1'),
    )
    const { received } = await raw(
      Buffer.from(
        `GET ws://${app.host}/live HTTP/1.1\r\nhost: a\r\nx-own: \xe4\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`,
        'latin1',
      ),
    )
    app.close()
    expect(received).toContain('x-heard: \xe4')
  })

  test('can have its sockets upgraded', async () => {
    const app = await real(() => {})
    app.server.on('upgrade', (request, socket, head) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n')
      socket.end(`${request.url} heard ${head.toString()}`)
    })
    const { received } = await raw(
      `GET ws://${app.host}/live HTTP/1.1\r\nhost: ${app.host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nping`,
    )
    app.close()
    expect(received).toMatch(/^HTTP\/1.1 101 [^]*\/live heard ping$/)
  })

  test('that nobody listens at is told as unreachable', async () => {
    const app = await real(() => {})
    app.close()
    const { received } = await raw(`GET http://${app.host}/ HTTP/1.1\r\nhost: ${app.host}\r\n\r\n`)
    expect(received).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\nx-mesh-outcome: unreachable\r\n/)
    const tunnelled = await raw(`CONNECT ${app.host} HTTP/1.1\r\nhost: a\r\n\r\n`)
    expect(tunnelled.received).toMatch(
      /^HTTP\/1.1 502 Bad Gateway \(meshwright: [^\r]+\)\r\nx-mesh-outcome: unreachable\r\n[^]*ECONNREFUSED/,
    )
  })

  test('breaks as it breaks', async () => {
    const app = await real((_, response) => {
      response.writeHead(200, { 'content-length': '10' })
      response.write('half', () => response.socket!.resetAndDestroy())
    })
    const { received, ending } = await raw(`GET http://${app.host}/ HTTP/1.1\r\nhost: a\r\n\r\n`)
    expect(received).toContain('200 OK')
    expect(ending).toBe('ECONNRESET')
    app.close()
  })

  test('which is the proxy itself is a loop', async () => {
    for (const name of ['127.0.0.1', 'localhost', '[::1]', 'a.localhost'])
      for (const request of [`GET http://${name}:${proxy.port}/ HTTP/1.1`, `CONNECT ${name}:${proxy.port} HTTP/1.1`])
        expect((await raw(`${request}\r\nhost: a\r\n${closing}`)).received).toMatch(
          /^HTTP\/1.1 508 Loop Detected\r\nx-mesh-outcome: loop\r\n/,
        )
  })

  test('belongs to the mesh if a service has it', async () => {
    const mine = fakeDoor({ local: 'http://localhost:4000' })
    door = mine
    const own = await open()
    const { received } = await raw(`GET http://localhost:4000/ HTTP/1.1\r\nhost: a\r\n${closing}`, own)
    await own.close()
    expect(received).toContain('200 OK')
    expect(mine.received).toHaveLength(1)
  })
})

describe('any other host', () => {
  test('is refused, with the name that was meant', async () => {
    const request = await raw(`GET http://order.shop.test/ HTTP/1.1\r\nhost: order.shop.test\r\n${closing}`)
    expect(request.received).toMatch(/^HTTP\/1.1 502 Bad Gateway\r\nx-mesh-outcome: unknown-host\r\n/)
    expect(request.received).toContain(
      `meshwright: order.shop.test:80 is no service of the mesh "${door.name}".
Did you mean http://orders.shop.test?
To let such requests out, declare the mesh with unknownHosts: 'passthrough'.`,
    )
    const tunnelled = await raw('CONNECT payments.shop.test:8443 HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(tunnelled.received).toMatch(
      /^HTTP\/1.1 502 Bad Gateway \(meshwright: [^\r]+\)\r\nx-mesh-outcome: unknown-host\r\n/,
    )
    expect(tunnelled.received).toContain('Did you mean https://payments.shop.test?')
    const far = await raw('CONNECT clients2.browser-maker.example:443 HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(far.received).toContain('Its services: http://orders.shop.test, https://payments.shop.test')
    expect(refused).toEqual(['order.shop.test:80', 'payments.shop.test:8443', 'clients2.browser-maker.example:443'])
  })

  test('is let out if the mesh says so', async () => {
    const open_ = await open({ unknownHosts: 'passthrough' })
    const { received } = await raw('CONNECT nobody.invalid:443 HTTP/1.1\r\nhost: a\r\n\r\n', open_)
    await open_.close()
    expect(received).toMatch(/x-mesh-outcome: unreachable\r\n[^]*nobody\.invalid/)
    expect(refused).toEqual([])
  })
})

describe('what is no request to a proxy', () => {
  const malformed: Record<string, [string, RegExp]> = {
    'a path': [
      `GET /x HTTP/1.1\r\nhost: orders.shop.test\r\n${closing}`,
      /^HTTP\/1.1 400 .*\r\nx-mesh-outcome: malformed/,
    ],
    'another scheme': [`GET ftp://orders.shop.test/ HTTP/1.1\r\nhost: a\r\n${closing}`, /^HTTP\/1.1 400 /],
    'a host that is none': [`GET http://%%%/ HTTP/1.1\r\nhost: a\r\n${closing}`, /^HTTP\/1.1 400 /],
    'no port': ['CONNECT orders.shop.test HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 400 /],
    'port 0': ['CONNECT orders.shop.test:0 HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 400 /],
    'a port that is none': ['CONNECT orders.shop.test:70000 HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 400 /],
    'a URL in CONNECT': ['CONNECT http://orders.shop.test:80 HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 400 /],
    'a user in CONNECT': ['CONNECT me@orders.shop.test:80 HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1.1 400 /],
    'no HTTP': ['hello\r\n\r\n', /^HTTP\/1.1 400 /],
    'a socket of a path': [
      'GET /live HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      /^HTTP\/1.1 400 /,
    ],
  }
  for (const [what, [bytes, answer]] of Object.entries(malformed))
    test(`such as ${what} ends its own connection`, async () => {
      expect((await raw(bytes)).received).toMatch(answer)
      expect(door.received).toEqual([])
    })

  test('never brings it down', async () => {
    const target = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
      fc.webUrl({ withQueryParameters: true }),
      fc.tuple(fc.domain(), fc.integer({ min: -1, max: 99_999 })).map(([host, port]) => `${host}:${port}`),
    )
    const method = fc.constantFrom('GET', 'CONNECT', 'OPTIONS', 'POST')
    await fc.assert(
      fc.asyncProperty(method, target, fc.uint8Array({ maxLength: 40 }), async (verb, where, rest) => {
        const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {})
        socket.end(Buffer.concat([Buffer.from(`${verb} ${where} HTTP/1.1\r\nhost: a\r\n\r\n`, 'latin1'), rest]))
        socket.resume()
        await once(socket, 'close')
      }),
      { numRuns: 100 },
    )
    const { received } = await raw(`GET http://orders.shop.test/ HTTP/1.1\r\nhost: a\r\n${closing}`)
    expect(received).toContain('200 OK')
  })
})

describe('a page', () => {
  const cors = `origin: http://app.shop.test\r\n`

  test('may read the answers of other origins, unless the service decides for itself', async () => {
    const pages = await open({ forPages: true })
    const get = `GET http://orders.shop.test/ HTTP/1.1\r\nhost: a\r\n${cors}${closing}`
    expect((await raw(get, pages)).received).toMatch(/\r\naccess-control-allow-origin: http:\/\/app.shop.test\r\n/)
    door.answer = () => failed('circuit-open')
    expect((await raw(get, pages)).received).toMatch(/^HTTP\/1.1 503 [^]*\r\naccess-control-allow-origin: http:/)
    door.answer = () => answered(200, { text: 'x', headers: [['access-control-allow-origin', 'https://admin.test']] })
    expect((await raw(get, pages)).received).not.toContain('http://app.shop.test')
    door.answer = () => answered(200, { text: 'x' })
    expect((await raw(get)).received).not.toContain('access-control')
    await pages.close()
  })

  test('has its preflights answered, and is told of no icon, which are no calls', async () => {
    const pages = await open({ forPages: true })
    const icon = `GET http://orders.shop.test/favicon.ico HTTP/1.1\r\nhost: a\r\n${closing}`
    expect((await raw(icon, pages)).received).toMatch(/^HTTP\/1.1 404 /)
    const preflight = `OPTIONS http://orders.shop.test/ HTTP/1.1\r\nhost: a\r\n${cors}access-control-request-method: PUT\r\naccess-control-request-headers: x-a\r\n${closing}`
    const { received } = await raw(preflight, pages)
    expect(received).toMatch(/^HTTP\/1.1 204 No Content\r\n[^]*access-control-allow-methods: PUT\r\n/)
    expect(door.received).toEqual([])
    await raw(preflight)
    expect(door.received).toMatchObject([{ method: 'OPTIONS' }])
    await pages.close()
  })
})

test('closing it ends every connection, those to real servers included', async () => {
  const app = await real(() => {})
  const ends = [await connect('payments.shop.test:443'), await connect(app.host), await connect('orders.shop.test:80')]
  const closed = Promise.all(ends.map(({ socket }) => once(socket.on('error', () => {}).resume(), 'close')))
  await proxy.close()
  await closed
  await proxy.close()
  app.close()
  expect((await raw('x').catch((error: NodeJS.ErrnoException) => ({ received: '', ending: error.code }))).ending).toBe(
    'ECONNREFUSED',
  )
})

test('a port that is taken is told', async () => {
  await expect(open({ port: proxy.port })).rejects.toThrow(`Port ${proxy.port} on 127.0.0.1 is taken`)
})
