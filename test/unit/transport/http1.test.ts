import { once } from 'node:events'
import https from 'node:https'
import net from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answered, failed } from '../../../src/call/reply.ts'
import type { Reply } from '../../../src/call/reply.ts'
import { sharedAuthority } from '../../../src/transport/authority.ts'
import { createConnectionServer } from '../../../src/transport/connections.ts'
import { openListener, type Listener } from '../../../src/transport/listener.ts'
import { send } from '../../support/clients.ts'
import { fakeDoor, type FakeDoor } from '../../support/fake-door.ts'

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

/** Writes pieces, each in a packet of its own, and gives all that comes back until the connection ends or `until` is in it. */
async function talk(pieces: readonly string[], until?: string, port = listener.port): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  let received = ''
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      if (until && received.includes(until)) resolve()
    })
    socket.once('end', () => resolve())
    socket.once('error', () => resolve())
  })
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await done
  socket.destroy()
  return received
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
const closing = 'connection: close\r\n'

describe('HTTP/1.1', () => {
  test('answers pipelined requests in their order, whichever is ready first', async () => {
    const release: Record<string, () => void> = {}
    door.answer = ({ path }) =>
      new Promise<Reply>((resolve) => (release[path] = () => resolve(answered(200, { text: `answer to ${path}` }))))
    const received = talk([get('/1') + get('/2') + get('/3', closing)])
    while (Object.keys(release).length < 3) await new Promise((resolve) => setImmediate(resolve))
    for (const path of ['/3', '/2', '/1']) release[path]!()
    expect((await received).match(/answer to \/\d/g)).toEqual(['answer to /1', 'answer to /2', 'answer to /3'])
  })

  test('tells what is no HTTP after the answers to what came before it', async () => {
    let release!: () => void
    door.answer = () => new Promise((resolve) => (release = () => resolve(answered(200, { text: 'first' }))))
    const received = talk([get('/1') + 'nonsense\r\n\r\n'])
    while (door.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
    release()
    expect((await received).match(/HTTP\/1.1 \d+|connection: close|first/g)).toEqual([
      'HTTP/1.1 200',
      'first',
      'HTTP/1.1 400',
      'connection: close',
    ])
  })

  test('tells every pipelined request when its client goes away', async () => {
    const signals: AbortSignal[] = []
    door.answer = ({ signal }) => {
      signals.push(signal!)
      return failed('hung')
    }
    const socket = net.connect(listener.port, '127.0.0.1')
    socket.write(get('/1') + get('/2') + get('/3'))
    while (signals.length < 3) await new Promise((resolve) => setImmediate(resolve))
    socket.resetAndDestroy()
    await Promise.all(signals.map((signal) => signal.aborted || once(signal, 'abort')))
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
  })

  test('says 100 to who expects it, and never 417', async () => {
    const head = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n${closing}`
    expect(await talk([`${head}expect: 100-continue\r\n\r\n`, 'body'])).toMatch(
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/,
    )
    expect(await talk([`${head}expect: the unexpected\r\n\r\n`, 'body'])).toMatch(/^HTTP\/1.1 200/)
    expect(door.received.map(({ body }) => Buffer.from(body as Uint8Array).toString())).toEqual(['body', 'body'])
  })

  test('takes chunks, however they are cut, and trailers as if there were none', async () => {
    const head = `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n${closing}\r\n`
    await talk([head, '3\r\nabc\r\n', '2', '\r\nde\r', '\n0\r\nx-sum: 5\r\n', '\r\n'])
    expect(Buffer.from(door.received[0]!.body as Uint8Array).toString()).toBe('abcde')
    expect(door.received[0]!.headers.map(([name]) => name)).not.toContain('x-sum')
  })

  test('takes a body of 10 MB, and gives one', async () => {
    door.answer = ({ body }) => answered(200, { body: body as Uint8Array })
    const sent = Buffer.alloc(10_000_000, 'meshwright')
    expect((await send(listener.url, { method: 'POST' }, sent)).body.equals(sent)).toBe(true)
    const chunked = await send(listener.url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } }, sent)
    expect(chunked.body.equals(sent)).toBe(true)
  })

  test('refuses a body of more than 64 MiB with 413, said or not, and it is no call', async () => {
    const said = await talk([`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 67108865\r\n\r\n`], 'larger')
    expect(said).toMatch(/^HTTP\/1.1 413 [^]*x-mesh-outcome: body-too-large/)
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 65; i++) controller.enqueue(new Uint8Array(1 << 20))
        controller.close()
      },
    })
    const unsaid = await fetch(listener.url, { method: 'POST', body: chunks, duplex: 'half' } as RequestInit)
    expect(unsaid.status).toBe(413)
    expect(door.received).toEqual([])
  })

  test('keeps cookies apart, and invents no date', async () => {
    door.answer = () =>
      answered(200, {
        headers: [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
        ],
      })
    expect((await send(listener.url)).rawHeaders).toEqual([
      ...['set-cookie', 'a=1', 'set-cookie', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
      ...['content-length', '0', 'Connection', 'keep-alive'],
    ])
  })

  test('has a body in no answer to HEAD, and none with 204 and 304', async () => {
    door.answer = ({ path }) => (path === '/' ? answered(200, { text: 'hello' }) : answered(Number(path.slice(1))))
    const paths = ['/204', '/304']
    const head = await talk([`HEAD / HTTP/1.1\r\nhost: x\r\n\r\n${get('/', closing)}`])
    expect(head.match(/content-length: 5/g)).toHaveLength(2)
    expect(head.match(/hello/g)).toHaveLength(1)
    for (const path of paths) expect(await talk([get(path, closing)])).not.toMatch(/content-length|transfer-encoding/i)
  })

  test('serves an offer of h2c as what it is without it, body and all', async () => {
    const offer = 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'
    const post = `POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n${offer}\r\nbo`
    const received = await talk([post, `dy${get('/b', closing)}`])
    expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
    const offered = door.received.find(({ path }) => path === '/a')!
    expect(offered.headers.map(([name]) => name)).toEqual(['host', 'content-length'])
    expect(Buffer.from(offered.body as Uint8Array).toString()).toBe('body')
  })

  test('serves an offer of h2c that came before the answer to an earlier request', async () => {
    let release = () => {}
    door.answer = ({ path }) =>
      new Promise<Reply>((resolve) => {
        const answer = () => resolve(answered(200, { text: `answer to ${path}` }))
        if (path === '/1') release = answer
        else answer()
      })
    const received = talk([get('/1') + get('/2', 'connection: upgrade\r\nupgrade: h2c\r\n') + get('/3', closing)])
    while (door.received.length < 1) await new Promise((resolve) => setImmediate(resolve))
    release()
    expect((await received).match(/answer to \/\d/g)).toEqual(['answer to /1', 'answer to /2', 'answer to /3'])
  })

  test('over TLS tells the handler so, and is kept', async () => {
    const { certificate: ca } = await sharedAuthority()
    const agent = new https.Agent({ keepAlive: true, ca })
    for (const host of ['localhost', '127.0.0.1']) {
      const url = `https://${host}:${listener.port}/a`
      expect((await send(url, { agent })).status).toBe(200)
      expect(door.received.at(-1)!.url).toBe(url)
    }
    agent.destroy()
  })

  test('over TLS is refused by who does not trust the authority', async () => {
    await expect(send(`https://localhost:${listener.port}/`)).rejects.toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/),
    })
  })

  test('over TLS ends as the network fails: RST, FIN, half a body', async () => {
    const { certificate: ca } = await sharedAuthority()
    const url = `https://localhost:${listener.port}/`
    door.answer = () => failed('reset')
    await expect(send(url, { ca, agent: false })).rejects.toMatchObject({ code: 'ECONNRESET' })
    door.answer = () => failed('closed')
    await expect(send(url, { ca, agent: false })).rejects.toMatchObject({ message: 'socket hang up' })
    const partial = { status: 200, headers: [], body: Buffer.from('half'), declaredLength: 10 }
    door.answer = () => failed('truncated', { partial })
    await expect(send(url, { ca, agent: false })).rejects.toMatchObject({ message: 'aborted' })
  })
})

describe('a slow client', () => {
  test.each([
    ['says nothing', [], ''],
    ['never ends its headers', ['GET / HTTP/1.1\r\nhost: x\r\nx-slow: '], 'HTTP/1.1 408 Request Timeout'],
    ['greets with half of a preface', ['PRI * HT'], ''],
  ])('that %s is let go', async (_what, pieces, told) => {
    const connections = createConnectionServer({ serve: () => {}, problem: () => {}, headersTimeoutMs: 50 })
    const server = net.createServer({ allowHalfOpen: true }, (socket) => connections.accept(socket, undefined))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const received = await talk(pieces, undefined, (server.address() as net.AddressInfo).port)
    expect(received.split('\r\n')[0]).toBe(told)
    server.close()
    await connections.close()
  })
})

describe('createConnectionServer', () => {
  test('gives the context of a connection with each request, and takes a tunnel in again', async () => {
    const seen: string[] = []
    const { certificate: ca } = await sharedAuthority()
    const connections = createConnectionServer<string>({
      authority: sharedAuthority,
      hostOf: (context) => context,
      problem: (error) => seen.push(error.message),
      serve(request, response, _wire, context, { isSecure, serverName }) {
        seen.push(`${context} ${request.url} ${isSecure ? 'secure' : 'plain'} ${serverName}`)
        response.end('ok')
      },
      connect(request, stream, head) {
        stream.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        connections.accept(stream, request.url!.split(':')[0]!, head)
      },
    })
    const server = net.createServer({ allowHalfOpen: true }, (socket) => connections.accept(socket, 'outside'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const tunnel = async (host: string) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.write(`CONNECT ${host}:443 HTTP/1.1\r\nhost: ${host}:443\r\n\r\n`)
      await once(socket, 'data')
      return socket
    }
    await send(`http://127.0.0.1:${port}/a`)
    const plain = await tunnel('orders')
    plain.write(get('/b', closing))
    await once(plain, 'data')
    for (const host of ['orders.shop.test', '10.1.2.3']) {
      const socket = await tunnel(host)
      await send(`https://${host}/c`, { ca, agent: false, createConnection: undefined, ...{ socket } })
    }
    expect(seen).toEqual([
      'outside /a plain undefined',
      'orders /b plain undefined',
      'orders.shop.test /c secure orders.shop.test',
      '10.1.2.3 /c secure undefined',
    ])
    server.close()
    await connections.close()
  })
})
