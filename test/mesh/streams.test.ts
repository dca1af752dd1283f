import { spawn } from 'node:child_process'
import { once } from 'node:events'
import http2 from 'node:http2'
import { request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { call, defineMesh, http, HttpResponse, sse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()
afterEach(() => void vi.unstubAllGlobals())
const encoder = new TextEncoder()
const decoder = new TextDecoder()

const shop = defineMesh({
  name: 'shop',
  services: {
    app: { underTest: true, calls: { files: {}, whole: {} } },
    files: {
      url: 'http://files.test',
      requestBodies: 'streamed',
      handlers: [
        http.post('/echo', ({ request }) => new HttpResponse(request.body)),
        http.post('*/echo-by-msw', ({ request }) => new HttpResponse(request.body)),
        http.post('/first', async ({ request }) => {
          const { value } = await request.body!.getReader().read()
          return HttpResponse.text(decoder.decode(value))
        }),
        http.post('/count', async ({ request }) => {
          let bytes = 0
          for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.byteLength
          return HttpResponse.json({ bytes })
        }),
        http.post('/ignore', () => HttpResponse.text('ignored')),
        http.post('/text', async ({ request }) => HttpResponse.text(await request.text())),
        http.post('/copies', async ({ request }) => {
          const copy = request.clone()
          return HttpResponse.text((await request.text()) + (await copy.text()))
        }),
        http.get('/none', ({ request }) => HttpResponse.json({ body: request.body === null })),
      ],
    },
    whole: {
      url: 'http://whole.test',
      handlers: [http.post('/echo', ({ request }) => new HttpResponse(request.body))],
    },
  },
})

/** An upload that is written by hand, and its answer as it comes. */
async function upload(url: string, headers: Record<string, string> = {}) {
  const outgoing = httpRequest(url, { method: 'POST', headers })
  outgoing.flushHeaders()
  const response = once(outgoing, 'response').then(([incoming]) => incoming as IncomingMessage)
  response.catch(() => {})
  return { outgoing, response }
}

const chunkOf = async (response: IncomingMessage) => String((await once(response, 'data'))[0])

const ways: { readonly [way: string]: (mesh: Mesh) => string } = {
  'over a listener': (mesh) => mesh.url('files'),
  'in process': () => 'http://files.test',
}

for (const [way, origin] of Object.entries(ways))
  describe(`a service with requestBodies: 'streamed' ${way}`, () => {
    for (const path of ['/echo', '/echo-by-msw'])
      test(`answers ${path} before the upload has ended`, async () => {
        const mesh = await start(shop)
        const { outgoing, response } = await upload(origin(mesh) + path)
        outgoing.write('one')
        const incoming = await response
        expect(await chunkOf(incoming)).toBe('one')
        outgoing.write('two')
        expect(await chunkOf(incoming)).toBe('two')
        outgoing.end()
        await once(incoming.resume(), 'end')
        expect(mesh.journal.where({ type: 'request.received' })).toMatchObject([{ body: { streamed: true } }])
      })

    test('gets the body as whole as it wants it', async () => {
      const mesh = await start(shop)
      const send = (path: string, body: string) => fetch(origin(mesh) + path, { method: 'POST', body })
      expect(await (await send('/text', 'hello')).text()).toBe('hello')
      expect(await (await send('/copies', 'hello')).text()).toBe('hellohello')
      expect(await (await send('/text', '')).text()).toBe('')
      expect(await (await fetch(`${origin(mesh)}/none`)).json()).toEqual({ body: true })
      const megabytes = 'x'.repeat(3 * 1024 * 1024)
      expect(await (await send('/count', megabytes)).json()).toEqual({ bytes: megabytes.length })
    })

    test('may answer without reading on, and the connection serves the next request', async () => {
      const mesh = await start(shop)
      for (const path of ['/ignore', '/ignore']) {
        const response = await fetch(origin(mesh) + path, { method: 'POST', body: 'x'.repeat(500_000) })
        expect(await response.text()).toBe('ignored')
      }
      const response = await fetch(`${origin(mesh)}/first`, { method: 'POST', body: 'short' })
      expect(await response.text()).toBe('short')
    })

    test('learns of a client that goes away', async () => {
      const mesh = await start(shop)
      const reading = new Promise<unknown>((resolve) => {
        mesh.service('files').use(
          http.post('/watched', async ({ request }) => {
            const reader = request.body!.getReader()
            try {
              while (!(await reader.read()).done);
            } catch (error) {
              resolve(error)
            }
          }),
        )
      })
      const { outgoing } = await upload(`${origin(mesh)}/watched`)
      outgoing.on('error', () => {})
      outgoing.write('one', () => outgoing.destroy())
      expect(await reading).toMatchObject({ code: 'ECONNRESET' })
    })

    test('holds a sender up while it does not read', async () => {
      const mesh = await start(shop)
      let read: ReadableStreamDefaultReader<Uint8Array> | undefined
      const isAsked = new Promise<void>((resolve) => {
        mesh.service('files').use(
          http.post('/slow', ({ request }) => {
            read = request.body!.getReader()
            resolve()
            return new HttpResponse(new ReadableStream({ start: () => {} }), {
              headers: { 'content-type': 'text/event-stream' },
            })
          }),
        )
      })
      const { outgoing, response } = await upload(`${origin(mesh)}/slow`)
      await isAsked
      await response
      const written = await writeUntilHeldUp(outgoing, 256 * 1024 * 1024)
      expect(written).toBeLessThan(64 * 1024 * 1024)
      expect((await read!.read()).value!.byteLength).toBeGreaterThan(0)
      outgoing.on('error', () => {})
      outgoing.destroy()
    })
  })

/** Writes as long as the other side takes it; gives how much that was. */
async function writeUntilHeldUp(outgoing: ClientRequest, most: number): Promise<number> {
  const chunk = Buffer.alloc(1024 * 1024)
  let written = 0
  while (written < most) {
    written += chunk.byteLength
    if (outgoing.write(chunk)) continue
    let isDrained = false
    outgoing.once('drain', () => (isDrained = true))
    for (let turn = 0; turn < 200 && !isDrained; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!isDrained) return written
  }
  return written
}

describe('streamed request bodies', () => {
  test('echo in full duplex over HTTP/2', async () => {
    const mesh = await start(shop)
    const session = http2.connect(mesh.url('files'))
    try {
      const stream = session.request({ ':method': 'POST', ':path': '/echo' })
      stream.setEncoding('utf8')
      stream.write('one')
      const [headers] = await once(stream, 'response')
      expect(headers[':status']).toBe(200)
      expect((await once(stream, 'data'))[0]).toBe('one')
      stream.write('two')
      expect((await once(stream, 'data'))[0]).toBe('two')
      stream.end()
      await once(stream.resume(), 'end')
    } finally {
      session.close()
    }
  })

  test('are read whole where the mesh may have to send them again', async () => {
    const retried = shop.with({ services: { app: { sidecar: true, calls: { files: { retry: { attempts: 2 } } } } } })
    const mesh = await start(retried)
    mesh.chaos.abort('files', { status: 503, times: 1 })
    const response = await fetch('http://files.test/text', { method: 'POST', body: 'again' })
    expect(await response.text()).toBe('again')
    expect(mesh.edge('app->files').calls).toMatchObject([{ attempts: 2 }])
    expect(mesh.journal.where({ type: 'request.received' })).toMatchObject([{ body: 'again' }])
  })

  test('stay streams under a retry of the mesh that is not in force', async () => {
    const mesh = await start(shop.with({ services: { app: { calls: { files: { retry: { attempts: 2 } } } } } }))
    expect(await (await fetch('http://files.test/text', { method: 'POST', body: 'a' })).text()).toBe('a')
    expect(mesh.journal.where({ type: 'request.received' })).toMatchObject([{ body: { streamed: true } }])
  })

  test('are a matter of the service: any other gets its bodies whole', async () => {
    const mesh = await start(shop)
    expect(await (await fetch('http://whole.test/echo', { method: 'POST', body: 'all' })).text()).toBe('all')
    expect(mesh.journal.where({ type: 'request.received' })).toMatchObject([{ body: 'all' }])
  })

  test('are read by a service without handlers before it calls on', async () => {
    const mesh = await start(
      defineMesh({
        name: 'relay',
        services: {
          app: { underTest: true, calls: { hub: {} } },
          hub: { requestBodies: 'streamed', calls: { a: {}, b: {} } },
          a: {},
          b: {},
        },
      }),
    )
    expect((await fetch('http://hub/x', { method: 'POST', body: 'both' })).status).toBe(200)
    expect(mesh.journal.where({ type: 'request.received' }).map(({ body }) => body)).toEqual([
      { streamed: true },
      'both',
      'both',
    ])
  })
})

describe('streamed answers', () => {
  const news = defineMesh({
    name: 'news',
    services: {
      app: { underTest: true, calls: { feed: {} } },
      feed: {
        url: 'http://feed.test',
        handlers: [
          http.get('/whole', () => new HttpResponse(streamOf(['a', 'b', 'c']))),
          http.get(
            '/endless',
            () => new HttpResponse(new ReadableStream({ start: (c) => c.enqueue(encoder.encode('.')) })),
          ),
        ],
      },
    },
  })

  const streamOf = (parts: string[]) =>
    new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(encoder.encode(part))
        controller.close()
      },
    })

  for (const type of ['text/plain', 'application/json', 'application/octet-stream', 'text/event-stream'])
    test(`arrive chunk by chunk as ${type}`, async () => {
      const mesh = await start(news)
      let next!: ReadableStreamDefaultController<Uint8Array>
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void (next = controller) })
      mesh.service('feed').use(http.get('/live', () => new HttpResponse(body, { headers: { 'content-type': type } })))
      const response = await fetch(`${mesh.url('feed')}/live`)
      expect(response.headers.get('content-length')).toBeNull()
      const reader = response.body!.getReader()
      for (const text of ['one', 'two']) {
        next.enqueue(encoder.encode(text))
        expect(decoder.decode((await reader.read()).value)).toBe(text)
      }
      next.close()
      expect(await reader.read()).toMatchObject({ done: true })
    })

  test('that are there as a whole have a length', async () => {
    const mesh = await start(news)
    for (const origin of [mesh.url('feed'), 'http://feed.test']) {
      const response = await fetch(`${origin}/whole`)
      expect(response.headers.get('content-length')).toBe('3')
      expect(await response.text()).toBe('abc')
    }
  })

  test('are cancelled when the client goes away', async () => {
    const mesh = await start(news)
    for (const origin of [mesh.url('feed'), 'http://feed.test']) {
      const cancelled = new Promise<void>((resolve) => {
        const body = new ReadableStream({ start: (c) => c.enqueue(encoder.encode('.')), cancel: () => resolve() })
        mesh.service('feed').use(http.get('/left', () => new HttpResponse(body)))
      })
      const controller = new AbortController()
      const response = await fetch(`${origin}/left`, { signal: controller.signal })
      await response.body!.getReader().read()
      controller.abort()
      await cancelled
    }
  })

  test('without end are ended by mesh.stop', async () => {
    const mesh = await start(news)
    const reader = (await fetch(`${mesh.url('feed')}/endless`)).body!.getReader()
    await reader.read()
    await mesh.stop()
    await expect(reader.read()).rejects.toThrow('terminated')
  })

  test('that fail in the middle break the connection as their error says', async () => {
    const mesh = await start(news)
    for (const [code, expected] of [
      ['ECONNRESET', 'ECONNRESET'],
      [undefined, 'UND_ERR_SOCKET'],
    ]) {
      let fail!: () => void
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(encoder.encode('half'))
          fail = () => controller.error(Object.assign(new Error('broken'), { code }))
        },
      })
      mesh.service('feed').use(http.get('/broken', () => new HttpResponse(body)))
      const reader = (await fetch(`${mesh.url('feed')}/broken`)).body!.getReader()
      expect(decoder.decode((await reader.read()).value)).toBe('half')
      fail()
      await expect(reader.read()).rejects.toMatchObject({ cause: { code: expected } })
    }
  })

  test('of sse() arrive event by event, read by curl', async () => {
    // MSW makes such handlers only where there is an EventSource.
    vi.stubGlobal('EventSource', function EventSource() {})
    const mesh = await start(news)
    let send!: (data: string) => void
    let close!: () => void
    const isOpen = new Promise<void>((resolve) => {
      mesh.service('feed').use(
        sse('*/events', ({ client }) => {
          send = (data) => client.send({ data } as never)
          close = () => client.close()
          resolve()
        }),
      )
    })
    const curl = spawn('curl', ['-sN', '-H', 'accept: text/event-stream', `${mesh.url('feed')}/events`])
    curl.stdout.setEncoding('utf8')
    await isOpen
    for (const word of ['one', 'two']) {
      const arrived = once(curl.stdout, 'data')
      send(word)
      expect((await arrived)[0]).toContain(`data:${word}`)
    }
    close()
    expect((await once(curl, 'close'))[0]).toBe(0)
  })

  test('to call() inside a handler are streams, too', async () => {
    const mesh = await start(
      defineMesh({
        name: 'news',
        services: { client: { underTest: true, calls: { app: {} } }, app: { calls: { feed: {} } }, feed: {} },
      }),
    )
    let next!: ReadableStreamDefaultController<Uint8Array>
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (next = controller) })
    mesh.service('feed').use(http.get('/live', () => new HttpResponse(body)))
    mesh.service('app').use(http.get('/pass', async () => new HttpResponse((await call('feed', '/live')).body)))
    const reader = (await mesh.call('client', 'app', '/pass')).body!.getReader()
    next.enqueue(encoder.encode('through two'))
    expect(decoder.decode((await reader.read()).value)).toBe('through two')
    next.close()
  })
})
