import { expect, test } from 'vitest'
import { describeLanguage } from '../support/foreign-suite.ts'
import type { Way } from '../support/foreign-suite.ts'

// On a plain connection HttpClient asks for an upgrade to HTTP/2 (h2c), which servers are free to pass over.
const plain: Way = { client: 'java', protocol: 'http', speaks: 'HTTP/1.1', shape: 'java' }
const old: Way = { client: 'url', protocol: 'http', speaks: 'HTTP/1.1', shape: 'urlConnection' }
const http2: Way = { client: 'java', protocol: 'https', speaks: 'HTTP/2', shape: 'javaHttp2' }
const ways: Way[] = [
  plain,
  { ...plain, client: 'java-1' },
  { ...plain, client: 'java-1', protocol: 'https' },
  http2,
  old,
  { ...old, protocol: 'https' },
]

const tools = [
  ['javac', '-version'],
  ['java', '-version'],
] as const

describeLanguage('java', tools, ways, ({ open }) => {
  test('after a GOAWAY HttpClient fails, and takes a new connection for the next request', async () => {
    const { mesh, ask } = await open(http2)
    mesh.chaos.goAway('files', { times: 1 })
    expect(await ask('/text', { keep: 'goaway' })).toMatchObject({ message: '/<address>: GOAWAY received' })
    expect(await ask('/text', { keep: 'goaway' })).toMatchObject({ status: 200, protocol: 'HTTP_2' })
    expect(mesh.edge('app->files').calls.map(({ outcome }) => outcome)).toEqual(['going-away', 'answered'])
  })

  test.each([plain, old])('a connection that ends under a GET makes $client send it again', async (way) => {
    for (const fault of ['reset', 'close', 'goAway'] as const) {
      const { mesh, ask } = await open(way)
      mesh.chaos[fault]('files', { times: 1 })
      expect(await ask('/text')).toMatchObject({ status: 200, bytes: 20 })
      expect(mesh.edge('app->files').calls).toHaveLength(2)
    }
  })

  test('HttpClient sends no POST twice; HttpURLConnection does, if it has kept the body', async () => {
    for (const [way, asking, sent] of [
      [plain, {}, 1],
      [old, {}, 1],
      [old, { buffered: true }, 2],
    ] as const) {
      const { mesh, ask } = await open(way)
      // The answer to a charge is lost, and the service has made it.
      mesh.chaos.close('files', { times: 1 })
      const told = await ask('/echo', { method: 'POST', body: 3, ...asking })
      expect([told.error === undefined, mesh.edge('app->files').calls.length]).toEqual([sent === 2, sent])
    }
  })

  test('HttpURLConnection takes what is truncated for the whole', async () => {
    const { mesh, ask } = await open(old)
    mesh.chaos.truncate('files', { afterBytes: 7 })
    const told = await ask('/text')
    expect(told).toMatchObject({ status: 200, bytes: 7, length: 20 })
    expect(told.error).toBeUndefined()
  })
})
