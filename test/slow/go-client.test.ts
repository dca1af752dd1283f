import { expect, test } from 'vitest'
import { describeLanguage } from '../support/foreign-suite.ts'
import type { Way } from '../support/foreign-suite.ts'

const plain: Way = { client: 'go', protocol: 'http', speaks: 'HTTP/1.1', shape: 'go' }
const http2: Way = { client: 'go-h2', protocol: 'https', speaks: 'HTTP/2', shape: 'goHttp2' }
const ways: Way[] = [plain, { ...plain, protocol: 'https' }, http2]

describeLanguage('go', [['go', 'version']], ways, ({ ask, open }) => {
  test.each(ways)('$client over $protocol is told to continue', async (way) => {
    const { ask } = await open(way)
    const told = await ask('/echo', { method: 'POST', body: 1_000, expect: true })
    expect(told).toMatchObject({ status: 200, continued: true })
  })

  test('a GOAWAY makes Go send the request again on a new connection; the journal has both', async () => {
    const { mesh, ask } = await open(http2)
    mesh.chaos.goAway('files', { times: 1 })
    const told = await ask('/text')
    expect([told.status, told.protocol, told.reused]).toEqual([200, 'HTTP/2.0', undefined])
    expect(mesh.edge('app->files').calls.map(({ outcome }) => outcome)).toEqual(['going-away', 'answered'])
    expect(mesh.service('files').requests).toHaveLength(1)
  })

  test.each([plain, { ...plain, protocol: 'https' as const }])(
    'a connection ($protocol) that ends under a GET, after it was used before, is a reason to try again; under a POST it is none',
    async (way) => {
      const { mesh, url, ask: _new } = await open(way)
      const kept = (method: string, path: string) => ask(way.client, method, `${url}${path}`, { keep: url, body: 3 })
      for (const fault of ['reset', 'close', 'goAway'] as const) {
        await kept('GET', '/text')
        const before = mesh.edge('app->files').calls.length
        const count = () => mesh.edge('app->files').calls.length - before
        mesh.chaos[fault]('files', { times: 1 })
        expect(await kept('GET', '/text')).toMatchObject([{ status: 200, bytes: 20 }])
        expect(count()).toBe(2)
        mesh.chaos[fault]('files', { times: 1 })
        expect(await kept('POST', '/echo')).toMatchObject([{ error: expect.any(String), reused: true }])
        expect(count()).toBe(3)
      }
    },
  )

  test('a stream that is reset leaves the others of its connection alone', async () => {
    const { mesh, url } = await open(http2)
    const kept = { keep: url } as const
    await ask('go-h2', 'GET', `${url}/text`, kept)
    mesh.chaos.reset('files', { at: 'mid-body', when: ({ path }) => path === '/text' })
    const [broken, whole] = await Promise.all([
      ask('go-h2', 'GET', `${url}/text`, { ...kept, times: 20 }),
      ask('go-h2', 'POST', `${url}/echo`, { ...kept, times: 20, body: 100_000 }),
    ])
    for (const one of broken)
      expect(one).toMatchObject({ status: 200, bytes: 10, message: expect.stringContaining('INTERNAL_ERROR') })
    for (const one of whole) expect(one).toMatchObject({ status: 200, bytes: 100_000, reused: true })
  })
})
