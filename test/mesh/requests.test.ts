import nodeHttp from 'node:http'
import { describe, expect, test } from 'vitest'
import { call, defineMesh, http, HttpResponse, MeshError } from '../../src/index.ts'
import type { CallInit, Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const start = meshes()

const post = defineMesh({
  name: 'post',
  services: {
    app: { underTest: true, calls: { mail: {} } },
    mail: {
      calls: { archive: {} },
      handlers: [
        http.all('/echo', async ({ request }) =>
          HttpResponse.json({
            method: request.method,
            type: request.headers.get('content-type'),
            text: await request.text(),
          }),
        ),
        http.get('/trace', ({ request }) => HttpResponse.text(request.headers.get('traceparent') ?? 'none')),
        http.get('/archive', async () => {
          const response = await call('archive', '/letters')
          return HttpResponse.json({ status: response.status })
        }),
      ],
    },
    archive: {},
  },
})

const echo = async (mesh: Pick<Mesh, 'call'>, init?: CallInit) =>
  (await mesh.call('app', 'mail', '/echo', init)).json() as Promise<unknown>

describe('a call by hand', () => {
  test('is a GET without a body, a POST with one', async () => {
    const mesh = await start(post)
    expect(await echo(mesh)).toEqual({ method: 'GET', type: null, text: '' })
    expect(await echo(mesh, { body: 'hello' })).toEqual({ method: 'POST', type: null, text: 'hello' })
    expect(await echo(mesh, { method: 'put', body: 'hello' })).toMatchObject({ method: 'PUT' })
  })

  test('carries JSON, with its type unless another one is given', async () => {
    const mesh = await start(post)
    const json = { to: 'ann' }
    expect(await echo(mesh, { json })).toMatchObject({ type: 'application/json', text: '{"to":"ann"}' })
    const headers = { 'Content-Type': 'application/vnd.letter+json' }
    expect(await echo(mesh, { json, headers })).toMatchObject({ type: 'application/vnd.letter+json' })
  })

  test('carries bytes as they are', async () => {
    const mesh = await start(post)
    expect(await echo(mesh, { body: new TextEncoder().encode('grüße') })).toMatchObject({ text: 'grüße' })
  })

  test('has a trace of its own, unless it brings one', async () => {
    const mesh = await start(post)
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const traceOf = async (init?: CallInit) => (await mesh.call('app', 'mail', '/trace', init)).text()
    expect(await traceOf({ headers: { traceparent } })).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
    expect(await traceOf()).not.toContain('0af7651916cd43dd8448eb211c80319c')
  })

  test('ends when its signal aborts', async () => {
    const mesh = await start(post)
    mesh.chaos.hang('mail')
    const gone = new AbortController()
    const pending = mesh.call('app', 'mail', '/echo', { signal: gone.signal })
    while (mesh.journal.where({ type: 'fault.hit' }).length === 0) await new Promise((resolve) => setImmediate(resolve))
    gone.abort()
    await expect(pending).rejects.toThrow()
    await mesh.settled()
  })

  test('says which options do not go together', async () => {
    const mesh = await start(post)
    await expect(echo(mesh, { json: {}, body: 'x' })).rejects.toThrow(
      'call: give `json` or `body`, not both   [MESH_INVALID_OPTION]',
    )
    await expect(mesh.call('app', 'mail', 'echo')).rejects.toThrow(
      'call: expected the path to start with "/", got "echo" (string)   [MESH_INVALID_OPTION]',
    )
  })
})

describe('call', () => {
  test('speaks as the service under test where no handler runs', async () => {
    const mesh = await start(post)
    expect((await mesh.run(() => call('mail', '/echo', { body: 'x' }))).status).toBe(200)
    expect(mesh.edge('app->mail').calls).toHaveLength(1)
  })

  test('speaks as the service whose handler runs', async () => {
    const mesh = await start(post)
    expect(await (await mesh.call('app', 'mail', '/archive')).json()).toEqual({ status: 200 })
    expect(mesh.edge('mail->archive').calls).toHaveLength(1)
  })

  test('names the service that does not exist', async () => {
    const mesh = await start(post)
    await expect(mesh.run(() => call('mial', '/'))).rejects.toThrow(
      `call: no service "mial". Did you mean "mail"?
  Services: app, mail, archive   [MESH_UNKNOWN_SERVICE]`,
    )
  })

  test('with a name that does not exist in a handler is a mistake of the test, whatever the handler does with it', async () => {
    const mesh = await start(post)
    mesh.service('mail').use(http.get('/typo', async () => HttpResponse.json(await call('archiv', '/').then(String))))
    const response = await mesh.call('app', 'mail', '/typo')
    expect([response.status, response.headers.get('x-mesh-outcome')]).toEqual([502, 'handler-failed'])
    expect(mesh.problems.map((problem) => MeshError.is(problem) && problem.code)).toEqual(['MESH_UNKNOWN_SERVICE'])
  })
})

describe('what the journal keeps of a body', () => {
  const bodies: [what: string, init: CallInit, kept: unknown][] = [
    ['JSON is parsed', { json: { to: 'ann' } }, { to: 'ann' }],
    ['JSON that is not announced is parsed all the same', { body: '[1,2]' }, [1, 2]],
    ['what is announced as JSON and is none', { body: '{', headers: { 'content-type': 'application/json' } }, '{'],
    ['text', { body: 'dear ann', headers: { 'content-type': 'text/plain' } }, 'dear ann'],
    [
      'text that looks like JSON and is announced as text',
      { body: '1', headers: { 'content-type': 'text/plain' } },
      '1',
    ],
    ['bytes that are no text are counted', { body: Uint8Array.of(0xff, 0xfe, 0) }, { bytes: 3 }],
    ['a body above 64 KiB is counted', { body: 'x'.repeat(64 * 1024 + 1) }, { bytes: 65_537 }],
  ]
  test.each(bodies)('%s', async (_, init, kept) => {
    const mesh = await start(post)
    await echo(mesh, init)
    expect(mesh.service('mail').requests[0]?.body).toEqual(kept)
  })

  test('no body is no field', async () => {
    const mesh = await start(post)
    await echo(mesh)
    expect(mesh.service('mail').requests[0]).not.toHaveProperty('body')
  })
})

test('the journal keeps headers that say something, repeated ones joined', async () => {
  const mesh = await start(post)
  await new Promise((resolve, reject) =>
    nodeHttp
      .get(
        'http://mail/echo',
        { headers: { 'x-tag': ['a', 'b'], 'user-agent': 'curl', accept: 'text/plain' } },
        (reply) => reply.resume().on('end', resolve),
      )
      .on('error', reject),
  )
  const { headers } = mesh.service('mail').requests[0]!
  expect(headers).toMatchObject({ 'x-tag': 'a, b', accept: 'text/plain' })
  expect(Object.keys(headers)).not.toContain('user-agent')
})

test('without a service under test, code outside of handlers is "test"', async () => {
  const lone = defineMesh({ name: 'lone', undeclaredCalls: 'allow', services: { mail: {} } })
  const mesh = await start(lone)
  expect((await fetch('http://mail/')).status).toBe(200)
  expect(mesh.service('mail').requests.map(({ edge }) => edge)).toEqual(['test->mail'])
})

test('the journal is searched by several types at once, and takes notes', async () => {
  const mesh = await start(post)
  mesh.journal.note('before')
  await echo(mesh)
  mesh.journal.note('after', { letters: 1 })
  const found = mesh.journal.where({ type: ['note', 'request.received'] })
  expect(found.map(({ type }) => type)).toEqual(['note', 'request.received', 'note'])
  expect(mesh.journal.where({ text: 'after' })).toMatchObject([{ type: 'note', data: { letters: 1 } }])
  expect(mesh.journal.where({ type: 'fault.hit' })).toEqual([])
})
