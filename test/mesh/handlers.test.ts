import { http as mswHttp, passthrough } from 'msw'
import { setupServer } from 'msw/node'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'
import { graphql, listen } from '../support/own-msw.ts'

const start = meshes()

const library = defineMesh({
  name: 'library',
  services: { reader: { underTest: true, calls: { books: {} } }, books: { url: 'https://books.test' } },
})

const routesOf = (mesh: Pick<Mesh, 'journal'>) =>
  mesh.journal
    .where({ type: 'span.ended' })
    .map(({ attributes }) => attributes['http.route'])
    .filter((route) => route !== undefined)

describe('handlers of a service', () => {
  test('may be any that MSW has: patterns, regular expressions, predicates, GraphQL', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('https://books.test/absolute', () => HttpResponse.text('absolute')),
      http.get('/shelves/*', () => HttpResponse.text('wildcard')),
      http.get('/pages/:from-:to', ({ params }) => HttpResponse.text(`pages ${params['from']} to ${params['to']}`)),
      http.get(/\/isbn\/\d+$/, () => HttpResponse.text('regular expression')),
      http.all('/any', ({ request }) => HttpResponse.text(request.method)),
      http.get(
        ({ request }) => new URL(request.url).searchParams.has('random'),
        () => HttpResponse.text('predicate'),
      ),
      graphql
        .link('https://books.test/graphql')
        .query('Titles', () => HttpResponse.json({ data: { titles: ['Momo'] } })) as never,
    )
    const text = async (path: string, init?: RequestInit) => (await fetch(`https://books.test${path}`, init)).text()
    expect(await text('/absolute')).toBe('absolute')
    expect(await text('/shelves/a/b')).toBe('wildcard')
    expect(await text('/pages/3-7')).toBe('pages 3 to 7')
    expect(await text('/isbn/978')).toBe('regular expression')
    expect(await text('/any', { method: 'DELETE' })).toBe('DELETE')
    expect(await text('/?random')).toBe('predicate')
    const query = { method: 'POST', headers: { 'content-type': 'application/json' } }
    expect(JSON.parse(await text('/graphql', { ...query, body: '{"query":"query Titles { titles }"}' }))).toEqual({
      data: { titles: ['Momo'] },
    })
    expect(mesh.problems).toEqual([])
    expect(routesOf(mesh)).toContain('/shelves/*')
  })

  test('that pass a request on leave it to the next one', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/a', () => passthrough()),
      http.get('/a', () => undefined),
      http.get('/a', () => HttpResponse.text('third')),
    )
    expect(await (await fetch('https://books.test/a')).text()).toBe('third')
  })

  test('that answer with HttpResponse.error() break the connection', async () => {
    const mesh = await start(library)
    mesh.service('books').use(http.get('/a', () => HttpResponse.error()))
    await expect(fetch('https://books.test/a')).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: 'ECONNRESET' },
    })
    expect(mesh.edge('reader->books').calls).toMatchObject([{ outcome: 'reset' }])
  })

  test('that throw what is no error are a 500 all the same', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/a', () => {
        // oxlint-disable-next-line no-throw-literal -- what users' code may do
        throw 'no more paper'
      }),
    )
    const response = await fetch('https://books.test/a')
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({ name: 'Error', message: 'no more paper' })
  })

  test('stream their events', async () => {
    const mesh = await start(library)
    mesh.service('books').use(
      http.get('/news', () => {
        const events = new Blob(['data: first\n\n', 'data: second\n\n']).stream()
        return new HttpResponse(events, { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    const response = await fetch('https://books.test/news', { headers: { accept: 'text/event-stream' } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect((await response.text()).match(/first|second/g)).toEqual(['first', 'second'])
  })

  test('that do not take a request are named, a dozen of them', async () => {
    const mesh = await start(library)
    const service = mesh.service('books')
    service.use(...Array.from({ length: 15 }, (_, i) => http.get(`/shelf-${i}`, () => HttpResponse.text(''))))
    expect((await fetch('https://books.test/zzz', { method: 'DELETE' })).status).toBe(501)
    expect(mesh.problems[0]?.message).toMatch(/GET \/shelf-11, 3 more\n/)
  })

  test('are refused when they are none', async () => {
    const mesh = await start(library)
    expect(() => mesh.service('books').use((() => HttpResponse.text('')) as never)).toThrow(
      "service books: expected `use()[0]` to be an MSW handler, got anonymous (function)\n  Give it a route: http.get('/items/:id', resolver).   [MESH_INVALID_OPTION]",
    )
  })
})

describe('scripted replies', () => {
  const statusOf = async (path: string, method = 'GET') => (await fetch(`https://books.test${path}`, { method })).status

  test('for a route take the place of earlier ones for it, and leave others alone', async () => {
    const mesh = await start(library)
    const books = mesh.service('books')
    books.reply('GET /a', 500).reply('GET /b', 501).reply('POST /a', 502).reply('GET /a', 200, 204)
    expect([await statusOf('/a'), await statusOf('/a'), await statusOf('/a')]).toEqual([200, 204, 204])
    expect([await statusOf('/b'), await statusOf('/a', 'POST')]).toEqual([501, 502])
  })

  test('stand in the message about a request that none of them takes', async () => {
    const mesh = await start(library)
    mesh.service('books').use(http.get('/b', () => HttpResponse.text('')))
    mesh.service('books').reply('GET /titles', 200)
    expect(await statusOf('/title')).toBe(501)
    expect(mesh.problems[0]?.message).toContain('Nearest: GET /titles')
  })

  test('need a reply and a route', async () => {
    const books = (await start(library)).service('books')
    expect(() => Reflect.apply(books.reply, books, ['GET /a'])).toThrow(
      "service books: reply('GET /a') needs at least one reply, such as 503   [MESH_INVALID_OPTION]",
    )
    expect(() => books.reply('GET /a', '503' as never)).toThrow('MESH_INVALID_OPTION')
    expect(() => books.reply('GTE /a', 503)).toThrow('unknown method "GTE". Did you mean "GET"?')
    expect(() => books.reply('GET http://', 503)).toThrow('expected a path, not a URL')
  })
})

describe('an MSW of one’s own', () => {
  // MSW prints what its handlers throw.
  beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue())
  afterEach(() => vi.restoreAllMocks())

  test('that gets the handlers of a mesh answers from the mesh, its failures included', async () => {
    const mesh = await start(library, { transport: 'listeners' })
    const server = setupServer(
      mswHttp.get('http://weather.test/', () => HttpResponse.text('rain')),
      ...mesh.handlers(),
    )
    listen(server, 'error')
    onTestFinished(() => server.close())
    mesh.service('books').reply('GET /a', { json: { title: 'Momo' } })
    expect(await (await fetch('http://weather.test/')).text()).toBe('rain')
    expect(await (await fetch('https://books.test/a')).json()).toEqual({ title: 'Momo' })
    expect(mesh.service('books').requests).toHaveLength(1)
    mesh.chaos.outage('books')
    await expect(fetch('https://books.test/a')).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  })

  test('keeps a service that was removed meanwhile from answering', async () => {
    const mesh = await start(library, { transport: 'listeners' })
    const server = setupServer(...mesh.handlers())
    listen(server)
    onTestFinished(() => server.close())
    mesh.removeService('books')
    await expect(fetch('https://books.test/a')).rejects.toMatchObject({
      name: 'TypeError',
      cause: { code: 'ECONNREFUSED' },
    })
  })
})
