import { once } from 'node:events'
import http2 from 'node:http2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answered, failed, type FailureOutcome } from '../../../src/call/reply.ts'
import { sharedAuthority } from '../../../src/transport/authority.ts'
import { openListener, type Listener } from '../../../src/transport/listener.ts'
import { fakeDoor, type FakeDoor } from '../../support/fake-door.ts'

let door: FakeDoor
let listener: Listener
let session: http2.ClientHttp2Session

beforeEach(async () => {
  door = fakeDoor({ orders: 'http://orders' })
  listener = await openListener(door, { caller: 'app', callee: 'orders' })
  session = http2.connect(listener.url)
  session.on('error', () => {})
})
afterEach(async () => {
  session.destroy()
  await listener.close()
  expect(door.problems).toEqual([])
})

interface Answer {
  status: number
  headers: http2.IncomingHttpHeaders
  body: Buffer
}

function send(headers: http2.OutgoingHttpHeaders, body?: string | Uint8Array, on = session): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = on.request(headers, { endStream: body === undefined })
    const chunks: Buffer[] = []
    let received: http2.IncomingHttpHeaders = {}
    stream.on('response', (head) => (received = head))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () =>
      resolve({ status: Number(received[':status']), headers: received, body: Buffer.concat(chunks) }),
    )
    if (body !== undefined) stream.end(body)
  })
}

const bytes = (size: number) => Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz')

describe('a request over HTTP/2', () => {
  test('has no pseudo headers; its authority is the host', async () => {
    await send({ ':path': '/items?a=1', ':authority': 'orders.shop.test', 'x-a': '1', cookie: ['a=1', 'b=2'] })
    const [call] = door.received
    expect(call).toMatchObject({ method: 'GET', path: '/items?a=1', caller: 'app', callee: 'orders', body: null })
    expect(call!.url).toBe('http://orders.shop.test/items?a=1')
    expect(call!.headers).toContainEqual(['host', 'orders.shop.test'])
    expect(call!.headers).toContainEqual(['x-a', '1'])
    expect(call!.headers.filter(([name]) => name.startsWith(':'))).toEqual([])
  })

  test('may have a body of 10 MB, and so may its answer', async () => {
    door.answer = ({ body }) => answered(200, { body: body as Uint8Array })
    const sent = bytes(10_000_000)
    const { body } = await send({ ':method': 'POST' }, sent)
    expect(body.equals(sent)).toBe(true)
  })

  test('is one of many on its connection at the same time', async () => {
    const release: (() => void)[] = []
    door.answer = ({ path }) => new Promise((resolve) => release.push(() => resolve(answered(200, { text: path }))))
    const paths = Array.from({ length: 500 }, (_, i) => `/${i}`)
    const answers = paths.map((path) => send({ ':path': path }))
    while (release.length < 500) await new Promise((resolve) => setImmediate(resolve))
    for (const one of release.reverse()) one()
    expect((await Promise.all(answers)).map(({ body }) => body.toString())).toEqual(paths)
  })

  test('that its client cancels is told so, and the connection stays', async () => {
    let arrive!: (signal: AbortSignal) => void
    const arrived = new Promise<AbortSignal>((resolve) => (arrive = resolve))
    door.answer = ({ signal }) => {
      arrive(signal!)
      return failed('hung')
    }
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {})
    const signal = await arrived
    stream.close(http2.constants.NGHTTP2_CANCEL)
    if (!signal.aborted) await once(signal, 'abort')
    door.answer = () => answered(200)
    expect((await send({ ':path': '/' })).status).toBe(200)
  })

  test('with a length that is too large is told 413', async () => {
    const stream = session.request({ ':method': 'POST', 'content-length': 65 * 1024 * 1024 })
    stream.on('error', () => {})
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    stream.destroy()
    expect(headers).toMatchObject({ ':status': 413, 'x-mesh-outcome': 'body-too-large' })
    expect(door.received).toEqual([])
  })

  test('to make a tunnel is refused with 405', async () => {
    expect((await send({ ':method': 'CONNECT', ':authority': 'orders:80' })).status).toBe(405)
  })
})

describe('an answer over HTTP/2', () => {
  test('has no header that is about a connection, no date, and every cookie', async () => {
    door.answer = () =>
      answered(200, {
        text: 'x',
        headers: [
          ['connection', 'x-hop'],
          ['x-hop', '1'],
          ['keep-alive', 'timeout=5'],
          ['transfer-encoding', 'chunked'],
          ['upgrade', 'h2c'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ],
      })
    const { headers } = await send({ ':path': '/' })
    expect(Object.fromEntries(Object.entries(headers))).toEqual({
      ':status': 200,
      'set-cookie': ['a=1', 'b=2'],
      'content-type': 'text/plain;charset=UTF-8',
      'content-length': '1',
    })
  })

  test.each([204, 304])('with %i has no body', async (status) => {
    door.answer = () => answered(status)
    const { headers, body } = await send({ ':path': '/' })
    expect(headers).toMatchObject({ ':status': status })
    expect(body.length).toBe(0)
  })

  test('to HEAD has the length and no body', async () => {
    door.answer = () => answered(200, { text: 'hello' })
    const { headers, body } = await send({ ':method': 'HEAD' })
    expect(headers).toMatchObject({ ':status': 200, 'content-length': '5' })
    expect(body.length).toBe(0)
  })

  const codes: [FailureOutcome, string][] = [
    ['refused', 'NGHTTP2_REFUSED_STREAM'],
    ['reset', 'NGHTTP2_INTERNAL_ERROR'],
  ]
  test.each(codes)('that is %s ends its stream alone with %s', async (outcome, code) => {
    door.answer = ({ path }) => (path === '/ok' ? answered(200) : failed(outcome))
    await expect(send({ ':path': '/' })).rejects.toThrow(`Stream closed with error code ${code}`)
    expect((await send({ ':path': '/ok' })).status).toBe(200)
  })

  test.each([
    ['reset-mid-body', http2.constants.NGHTTP2_INTERNAL_ERROR],
    ['truncated', http2.constants.NGHTTP2_CANCEL],
  ] as const)('that is %s brings its part first', async (outcome, code) => {
    const partial = { status: 200, headers: [], body: Buffer.from('half'), declaredLength: 10 }
    door.answer = () => failed(outcome, { partial })
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {})
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    await new Promise((resolve) => stream.once('close', resolve))
    expect(Buffer.concat(chunks).toString()).toBe('half')
    expect(stream.rstCode).toBe(code)
  })

  test('that the connection goes away comes as GOAWAY, and the request may be sent anew', async () => {
    door.answer = () => failed('going-away')
    const gone = once(session, 'goaway')
    await expect(send({ ':path': '/' })).rejects.toThrow('NGHTTP2_REFUSED_STREAM')
    expect((await gone)[0]).toBe(http2.constants.NGHTTP2_NO_ERROR)
    door.answer = () => answered(200)
    const next = http2.connect(listener.url)
    expect((await send({ ':path': '/' }, undefined, next)).status).toBe(200)
    next.destroy()
  })
})

describe('the connection', () => {
  test('may begin byte by byte', async () => {
    const { default: net } = await import('node:net')
    const socket = net.connect(listener.port, '127.0.0.1')
    socket.setNoDelay(true)
    await once(socket, 'connect')
    const received = once(socket, 'data')
    for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')) {
      socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    // A SETTINGS frame: type 4 at byte 3.
    expect(((await received) as [Buffer])[0][3]).toBe(4)
    socket.destroy()
  })

  test('over TLS is agreed on by ALPN', async () => {
    const { certificate } = await sharedAuthority()
    const secure = http2.connect(`https://localhost:${listener.port}`, { ca: certificate })
    const { status } = await send({ ':path': '/' }, undefined, secure)
    expect(status).toBe(200)
    expect(secure.alpnProtocol).toBe('h2')
    expect(door.received[0]!.url).toBe(`https://localhost:${listener.port}/`)
    secure.destroy()
  })

  test('is reset by an outage, and the port opens again after it', async () => {
    await send({ ':path': '/' })
    const closed = new Promise((resolve) => session.once('close', resolve))
    door.refuse('app->orders', true)
    await listener.settled()
    await closed
    door.refuse('app->orders', false)
    await listener.settled()
    const next = http2.connect(listener.url)
    expect((await send({ ':path': '/' }, undefined, next)).status).toBe(200)
    next.destroy()
  })
})
