import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import '../../fixtures/vitest.ts'
import { defineMesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
let real: Server
let connections: Set<Socket>
let opened: number
let seen: IncomingMessage[]
let serve: RequestListener

beforeEach(async () => {
  connections = new Set()
  opened = 0
  seen = []
  serve = (_, response) => void response.end('real')
  real = createServer((request, response) => {
    seen.push(request)
    serve(request, response)
  })
  real.on('connection', (socket) => {
    opened++
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  await new Promise<void>((resolve) => real.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  const gone = once(real, 'close')
  real.close()
  real.closeAllConnections()
  await gone
})

const origin = () => `http://127.0.0.1:${(real.address() as AddressInfo).port}`
const shop = (changes: object = {}, edge: object = {}) =>
  defineMesh({
    name: 'shop',
    services: {
      app: { underTest: true, calls: { catalog: edge } },
      catalog: { url: 'http://catalog.test', upstream: origin(), ...changes },
    },
  })

describe('a real service behind the mesh', () => {
  test('has policies, faults, traces and matchers in front of it', async () => {
    serve = (_, response) => {
      // Down for one call, as far as anybody can tell.
      if (seen.length === 1) return void response.writeHead(503).end()
      response.setHeader('content-type', 'application/json').end('{"price":7}')
    }
    const policies = { retry: { attempts: 2 }, timeoutMs: 2_000 }
    const mesh = await start(
      defineMesh({
        name: 'shop',
        services: {
          app: { underTest: true, sidecar: true, calls: { catalog: policies } },
          catalog: { url: 'http://catalog.test', upstream: origin() },
        },
      }),
    )
    mesh.chaos.latency('catalog', { ms: 20 })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const response = await fetch('http://catalog.test/items/7', { headers: { traceparent } })
    expect(await response.json()).toEqual({ price: 7 })
    expect(mesh.edge('app->catalog')).toHaveRetried({ attempts: 1 })
    expect(mesh.service('catalog')).toHaveReceived('GET /items/7', { times: 2 })
    expect(mesh.edge('app->catalog').stats.maxMs).toBeGreaterThanOrEqual(40)
    // What reached the real service continues the trace of the client, by way of the SERVER span of each try.
    const spans = mesh.journal.where({ type: 'span.ended', kind: 'server' })
    expect(seen.map(({ headers }) => headers['traceparent'])).toEqual(
      spans.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`),
    )
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']))
  })

  test('keeps its connection from call to call, and loses it when the mesh stops', async () => {
    const mesh = await start(shop())
    for (let i = 0; i < 5; i++) expect(await (await fetch('http://catalog.test/')).text()).toBe('real')
    expect(opened).toBe(1)
    const gone = once([...connections][0]!, 'close')
    await mesh.stop()
    await gone
  })

  test('may close a kept connection without a call that fails for it', async () => {
    await start(shop())
    for (let i = 0; i < 5; i++) {
      expect((await fetch('http://catalog.test/')).status).toBe(200)
      const [socket] = connections
      const gone = once(socket!, 'close')
      socket!.end()
      await gone
    }
    expect(opened).toBe(5)
  })

  test('streams its answer: events arrive one by one', async () => {
    let send!: (data: string) => void
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      send = (data) => void response.write(`data: ${data}\n\n`)
      send('zero')
    }
    const mesh = await start(shop())
    for (const base of ['http://catalog.test', mesh.url('catalog')]) {
      const controller = new AbortController()
      const response = await fetch(`${base}/events`, { signal: controller.signal })
      const reader = response.body!.getReader()
      const next = async () => new TextDecoder().decode((await reader.read()).value)
      expect(await next()).toBe('data: zero\n\n')
      send('one')
      expect(await next()).toBe('data: one\n\n')
      send('two')
      expect(await next()).toBe('data: two\n\n')
      const [socket] = connections
      const gone = once(socket!, 'close')
      controller.abort()
      // The client left, and so does the mesh.
      await gone
    }
  })

  test("gets an upload as it comes with requestBodies: 'streamed', and may answer meanwhile", async () => {
    serve = (request, response) => {
      request.setEncoding('utf8')
      request.on('data', (text: string) => response.write(text.toUpperCase()))
      request.on('end', () => response.end())
    }
    await start(shop({ requestBodies: 'streamed' }))
    let upload!: ReadableStreamDefaultController<Uint8Array>
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (upload = controller) })
    const encoder = new TextEncoder()
    const { request } = await import('node:http')
    const outgoing = request('http://catalog.test/upper', { method: 'POST' })
    outgoing.flushHeaders()
    outgoing.write('one')
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    incoming.setEncoding('utf8')
    expect((await once(incoming, 'data'))[0]).toBe('ONE')
    outgoing.write('two')
    expect((await once(incoming, 'data'))[0]).toBe('TWO')
    outgoing.end()
    await once(incoming.resume(), 'end')
    expect(seen[0]!.headers['transfer-encoding']).toBe('chunked')

    // fetch sends a stream, too, though it reads no answer before the end of it.
    const response = fetch('http://catalog.test/upper', { method: 'POST', body, duplex: 'half' } as RequestInit)
    upload.enqueue(encoder.encode('a'))
    upload.enqueue(encoder.encode('b'))
    upload.close()
    expect(await (await response).text()).toBe('AB')
  })

  test('sees an upload break off when the client goes away', async () => {
    const broken = new Promise<string | undefined>((resolve) => {
      serve = (request) => {
        request.resume()
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      }
    })
    await start(shop({ requestBodies: 'streamed' }))
    const { request } = await import('node:http')
    const outgoing = request('http://catalog.test/', { method: 'POST' })
    outgoing.on('error', () => {})
    outgoing.write('half')
    while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve))
    outgoing.destroy()
    expect(await broken).toBe('ECONNRESET')
  })

  for (const [how, cause] of [
    ['resetAndDestroy', 'ECONNRESET'],
    ['destroySoon', 'UND_ERR_SOCKET'],
  ] as const)
    for (const way of ['over a listener', 'in process'])
      test(`that breaks in the middle of a body with ${how} does so for the client ${way}`, async () => {
        let breakOff!: () => void
        serve = (request, response) => {
          response.writeHead(200, { 'content-length': '10' })
          response.write('half')
          breakOff = () => request.socket[how]()
        }
        const mesh = await start(shop())
        const response = await fetch(way === 'in process' ? 'http://catalog.test/' : mesh.url('catalog'))
        const reader = response.body!.getReader()
        expect((await reader.read()).value).toHaveLength(4)
        breakOff()
        await expect(reader.read()).rejects.toMatchObject({ message: 'terminated', cause: { code: cause } })
      })

  test('that breaks off at once has its half body delivered all the same', async () => {
    serve = (request, response) => {
      response.writeHead(200, { 'content-length': '100000' })
      response.write('x'.repeat(50_000), () => request.socket.destroySoon())
    }
    const mesh = await start(shop())
    const response = await fetch(mesh.url('catalog'))
    let received = 0
    const reading = async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) received += chunk.byteLength
    }
    await expect(reading()).rejects.toThrow('terminated')
    expect(received).toBe(50_000)
  })

  test('answers HEAD, 204 and 304 without a body', async () => {
    serve = ({ url, method }, response) => {
      if (method === 'HEAD') return void response.writeHead(200, { 'content-length': '1000' }).end()
      response.writeHead(Number(url!.slice(1))).end()
    }
    const mesh = await start(shop())
    for (const base of ['http://catalog.test', mesh.url('catalog')]) {
      const head = await fetch(`${base}/`, { method: 'HEAD' })
      expect(head.headers.get('content-length')).toBe('1000')
      for (const status of [204, 304]) expect((await fetch(`${base}/${status}`)).status).toBe(status)
    }
    expect(opened).toBe(1)
  })

  test('is told of no Expect: the mesh itself says to go on', async () => {
    const mesh = await start(shop())
    const { request } = await import('node:http')
    const outgoing = request(mesh.url('catalog'), { method: 'POST', headers: { expect: '100-continue' } })
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    outgoing.end('body')
    const [incoming] = await once(outgoing, 'response')
    incoming.resume()
    expect(seen[0]!.headers['expect']).toBeUndefined()
    expect(seen[0]!.headers['content-length']).toBe('4')
  })

  const withTrailers: RequestListener = (_, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' })
    response.writeHead(200, { trailer: 'x-sum, x-more' })
    response.write('body')
    response.addTrailers({ 'x-sum': '7', 'x-more': 'a' })
    response.end()
  }

  test('passes trailers on, and interim answers no further', async () => {
    serve = withTrailers
    const mesh = await start(shop())
    const { request } = await import('node:http')
    const outgoing = request(mesh.url('catalog')).end()
    let hints = 0
    outgoing.on('information', () => hints++)
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    await once(incoming.resume(), 'end')
    expect(hints).toBe(0)
    expect(incoming.headers['trailer']).toBe('x-sum, x-more')
    expect(incoming.trailers).toEqual({ 'x-sum': '7', 'x-more': 'a' })
  })

  test('passes trailers on over HTTP/2, and when its body is slowed down', async () => {
    serve = withTrailers
    const mesh = await start(shop())
    mesh.chaos.slowBody('catalog', { chunkBytes: 1, everyMs: 1 })
    const { connect } = await import('node:http2')
    const session = connect(mesh.url('catalog'))
    const stream = session.request({ ':path': '/' })
    const [trailers] = (await once(stream.resume(), 'trailers')) as [Record<string, string>]
    expect([trailers['x-sum'], trailers['x-more']]).toEqual(['7', 'a'])
    session.close()
  })

  test('that is down is a refused connection, in time for a retry', async () => {
    const mesh = await start(shop())
    const url = mesh.url('catalog')
    const port = (real.address() as AddressInfo).port
    const gone = once(real, 'close')
    real.close()
    real.closeAllConnections()
    await gone
    await expect(fetch('http://catalog.test/')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await expect(fetch(url)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } })
    await new Promise<void>((resolve) => real.listen(port, '127.0.0.1', resolve))
    expect(await (await fetch('http://catalog.test/')).text()).toBe('real')
  })
})
