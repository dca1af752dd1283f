import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { call, defineMesh, http, HttpResponse, MeshError, sse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { mswMajor } from '../support/own-msw.ts'

const start = meshes()

const library = defineMesh({
  name: 'library',
  services: { reader: { underTest: true, calls: { books: {} } }, books: { url: 'https://books.test' } },
})

const ask = (mesh: Pick<Mesh, 'call'>, path: string, init: Parameters<Mesh['call']>[3] = {}) =>
  mesh.call('reader', 'books', path, init)

describe('what a handler throws', () => {
  test.each([null, undefined, 0, Symbol('paper')])('%s is a 500', async (thrown) => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/a', () => {
        throw thrown
      }),
    )
    const response = await ask(mesh, '/a')
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({ name: 'Error', message: String(thrown) })
    expect(mesh.edge('reader->books').calls).toMatchObject([{ outcome: 'answered', status: 500 }])
  })

  test('a response is the answer', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/a', () => {
        throw HttpResponse.json({ sold: 'out' }, { status: 409 })
      }),
    )
    const response = await ask(mesh, '/a')
    expect(response.status).toBe(409)
    expect(await response.json()).toEqual({ sold: 'out' })
  })
})

describe('which handler takes a request', () => {
  test('case counts in paths just when it does for MSW', async () => {
    const mesh = await start(library)
    mesh.service('books').use(http.get('/Shelves/:id/Titles', ({ params }) => HttpResponse.text(String(params['id']))))
    // From 3 on, MSW tells upper case from lower case.
    const other = await ask(mesh, '/shelves/A/TITLES')
    if (mswMajor === 2) expect(await other.text()).toBe('A')
    else expect(other.status).toBe(501)
    expect(await (await ask(mesh, '/Shelves/A/Titles')).text()).toBe('A')
  })

  test('a handler that gives no answer is named', async () => {
    const mesh = await start(library)
    mesh.service('books').use(http.get('/a', () => undefined))
    expect((await ask(mesh, '/a')).status).toBe(501)
    expect(mesh.problems[0]?.message).toContain('The handler of GET /a gave no answer')
  })

  test('a handler that reads the body and passes leaves it to the next one', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.post('/a', async ({ request }) => {
        await request.text()
      }),
      http.post('/a', async ({ request }) => HttpResponse.text(await request.text())),
    )
    expect(await (await ask(mesh, '/a', { body: 'hello' })).text()).toBe('hello')
  })

  test('optional parameters, percent signs, queries and empty segments', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/find/:a/:b?', ({ params }) => HttpResponse.json(params)),
      http.get('/echo/:rest+', ({ params }) => HttpResponse.json(params)),
      http.get('/q', ({ request }) => HttpResponse.text(new URL(request.url).search)),
    )
    // From 3 on, MSW's paths know neither optional nor repeated parameters.
    if (mswMajor === 2) {
      expect(await (await ask(mesh, '/find/x')).json()).toEqual({ a: 'x' })
      expect(await (await ask(mesh, '/find/x%2Fy/z%20z')).json()).toEqual({ a: 'x/y', b: 'z z' })
      expect(await (await ask(mesh, '/echo/a/b/c')).json()).toEqual({ rest: ['a', 'b', 'c'] })
    }
    expect(await (await ask(mesh, '/q?a=1&a=2')).text()).toBe('?a=1&a=2')
    expect(await (await ask(mesh, '/q/')).text()).toBe('')
    expect(mesh.problems).toEqual([])
  })

  test('a handler for one use is there again in the next mesh, and generators begin again', async () => {
    const definition = defineMesh({
      name: 'library',
      services: {
        reader: { underTest: true, calls: { books: {} } },
        books: {
          handlers: [
            http.get('/once', () => HttpResponse.text('first'), { once: true }),
            http.get('/once', () => HttpResponse.text('then')),
            http.get('/count', function* () {
              yield HttpResponse.text('1')
              yield HttpResponse.text('2')
              return HttpResponse.text('3')
            }),
          ],
        },
      },
    })
    for (let run = 0; run < 2; run++) {
      const mesh = (await start(definition)) as unknown as Mesh
      const texts: string[] = []
      for (const path of ['/once', '/once', '/count', '/count', '/count', '/count'])
        texts.push(await (await ask(mesh, path)).text())
      expect(texts).toEqual(['first', 'then', '1', '2', '3', '3'])
    }
  })
})

test('a handler for server-sent events answers in every mesh', async () => {
  // MSW makes such handlers only where there is an EventSource.
  vi.stubGlobal('EventSource', function EventSource() {})
  onTestFinished(() => void vi.unstubAllGlobals())
  const news = sse('https://books.test/news', ({ client }) => {
    client.send({ data: 'first' })
    client.close()
  })
  for (let run = 0; run < 2; run++) {
    const mesh = await start(library)
    mesh.service('books').use(news)
    const response = await ask(mesh, '/news', { headers: { accept: 'text/event-stream' } })
    expect(await response.text()).toContain('data:first')
  }
})

describe('bodies and headers', () => {
  test('of HEAD are as fetch gives them', async () => {
    const mesh = await start(library)
    mesh.service('books').use(http.head('/a', () => HttpResponse.text('unseen', { headers: { 'x-a': '1' } })))
    const driven = await ask(mesh, '/a', { method: 'HEAD' })
    expect([driven.status, driven.headers.get('x-a'), await driven.text()]).toEqual([200, '1', ''])
    const fetched = await fetch('https://books.test/a', { method: 'HEAD' })
    expect([fetched.status, fetched.headers.get('x-a'), await fetched.text()]).toEqual([200, '1', ''])
  })

  test('may be large, binary, and repeated', async () => {
    const mesh = await start(library)
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) & 255)
    mesh.service('books').use(
      http.post('/echo', async ({ request }) => {
        const headers = new Headers({ 'content-type': 'application/octet-stream' })
        headers.append('set-cookie', 'a=1')
        headers.append('set-cookie', 'b=2; Path=/')
        headers.append('x-many', 'one')
        headers.append('x-many', 'two')
        return new HttpResponse(await request.arrayBuffer(), { headers })
      }),
    )
    for (const response of [
      await ask(mesh, '/echo', { body: bytes }),
      await fetch('https://books.test/echo', { method: 'POST', body: bytes }),
    ]) {
      expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2; Path=/'])
      expect(response.headers.get('x-many')).toBe('one, two')
      expect(Buffer.compare(new Uint8Array(await response.arrayBuffer()), bytes)).toBe(0)
    }
  })

  test('that HTTP does not know are refused before anything is sent', async () => {
    const mesh = await start(library)
    await expect(ask(mesh, '/', { headers: { 'x-a': 'one\ntwo' } })).rejects.toMatchObject({
      code: 'MESH_INVALID_OPTION',
    })
    await expect(ask(mesh, '/', { body: new URLSearchParams() as never })).rejects.toThrow(
      'call: expected `body` to be a string or a Uint8Array',
    )
    expect(mesh.journal.where({ type: 'call.started' })).toEqual([])
  })

  test('header names of JavaScript’s own are names as any', async () => {
    const mesh = await start(library)
    await ask(mesh, '/', { headers: { constructor: 'a', 'x-b': 'b' } })
    expect(mesh.service('books').requests[0]?.headers).toMatchObject({ constructor: 'a', 'x-b': 'b' })
  })

  test('a streamed answer breaks after its first piece', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/news', () => {
        let n = 0
        const events = new ReadableStream({
          pull(controller) {
            controller.enqueue(new TextEncoder().encode(`data: ${++n}\n\n`))
          },
        })
        return new HttpResponse(events, { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    mesh.chaos.truncate('books')
    const response = await ask(mesh, '/news')
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: 1\n\n')
    await expect(reader.read()).rejects.toMatchObject({ message: 'terminated' })
  })
})

describe('a caller that gives up', () => {
  test.each(['hang', 'latency'] as const)('hears its own reason (%s)', async (kind) => {
    const mesh = await start(library)
    if (kind === 'hang') mesh.chaos.hang('books')
    else mesh.chaos.latency('books', { ms: 60_000 })
    await expect(ask(mesh, '/', { signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('before it has sent anything reaches nobody', async () => {
    const mesh = await start(library)
    await expect(ask(mesh, '/', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(mesh.service('books').requests).toEqual([])
    await mesh.settled()
  })
})

describe('calls of a handler', () => {
  const chain = defineMesh({
    name: 'chain',
    services: {
      app: { underTest: true, calls: { a: {} } },
      a: {
        calls: { b: { timeoutMs: 100 } },
        handlers: [http.get('/', async () => HttpResponse.text(await (await call('b', '/')).text()))],
      },
      b: {
        calls: { c: {} },
        handlers: [http.get('/', async () => HttpResponse.text(await (await fetch('http://c/')).text()))],
      },
      c: {
        calls: { d: {} },
        handlers: [http.get('/', async () => HttpResponse.text(await (await call('d', '/')).text()))],
      },
      d: {
        calls: { e: {} },
        handlers: [http.get('/', async () => HttpResponse.text(await (await fetch('http://e/')).text()))],
      },
      e: { calls: { log: {} }, handlers: [http.get('/', () => HttpResponse.text('five deep'))] },
      log: {},
    },
  })

  test('by fetch and by call() are in one history, five deep', async () => {
    const mesh = await start(chain)
    expect(await (await mesh.call('app', 'a', '/')).text()).toBe('five deep')
    expect(mesh.journal.where({ type: 'call.started' }).map((entry) => [entry.call, entry.parent, entry.edge])).toEqual(
      [
        ['1', undefined, 'app->a'],
        ['1.1', '1', 'a->b'],
        ['1.1.1', '1.1', 'b->c'],
        ['1.1.1.1', '1.1.1', 'c->d'],
        ['1.1.1.1.1', '1.1.1.1', 'd->e'],
      ],
    )
  })

  test('keep their own numbers when they come after the answer', async () => {
    const late = defineMesh({
      name: 'late',
      services: {
        app: { underTest: true, calls: { a: {} } },
        a: {
          calls: { log: {} },
          handlers: [
            http.get('/', async () => {
              await call('log', '/')
              setTimeout(() => void call('log', '/'), 100)
              return HttpResponse.text('')
            }),
          ],
        },
        log: {},
      },
    })
    const mesh = await start(late)
    await mesh.simulate(async ({ sleep }) => {
      await mesh.call('app', 'a', '/')
      await sleep(1_000)
    })
    expect(mesh.edge('a->log').calls.map((entry) => entry.call)).toEqual(['1.1', '1.2'])
  })
})

test('a condition that throws is a mistake of the test, and every call still ends', async () => {
  const mesh = await start(library.with({ services: { reader: { calls: { books: { mode: 'async' } } } } }))
  mesh.chaos.abort('books', {
    when: () => {
      throw new TypeError('no such header')
    },
  })
  expect((await mesh.call('reader', 'books', '/')).status).toBe(202)
  await mesh.settled()
  expect(mesh.problems.map((error) => [MeshError.is(error), error.message])).toEqual([
    [true, 'chaos.abort: `when` threw TypeError: no such header   [MESH_INVALID_OPTION]'],
  ])
  expect(mesh.edge('reader->books').calls).toHaveLength(1)
})
