import { request as ask } from 'node:http'
import { describe, expect, test } from 'vitest'
import { defineMesh, startMesh } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'

// A scripted reply on a road where nothing stands in its way is given in the turn in which the request came. What is
// written down about it is the same as about any other request: a fault that is meant for
// the edge and strikes nothing sends a request the long way.

const shop = defineMesh({
  name: 'shop',
  seed: 7,
  services: {
    storefront: { underTest: true, calls: { catalog: {} } },
    catalog: { instances: 2 },
  },
})

/** Node's own client sends just the headers that it is given. */
function get(url: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; rawHeaders: string[]; text: string }>((resolve, reject) => {
    const sent = ask(url, { headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode!, rawHeaders: response.rawHeaders, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const paths = ['/items/7', '/items/7?full=1&a=b%20c', '/items/8/', '/plain', '/items/7/../9', '/items/%zz']

/** The story of some requests without what differs from run to run: times, and the port. */
async function story(prepare: (mesh: Mesh) => void) {
  const mesh = await startMesh(shop, { transport: 'listeners' })
  mesh
    .service('catalog')
    .reply('GET /items/:id', 503, { json: { name: 'Widget ✓' }, headers: { 'set-cookie': ['a=1', 'b=2'] } })
    .reply('/plain', 204)
    .reply('/*', { status: 404, body: new Uint8Array([0xff, 0x00, 0xfe]) })
  prepare(mesh)
  const answers = []
  for (const path of paths)
    answers.push(await get(mesh.url('catalog') + path, { traceparent, 'x-own': 'Ü', cookie: 'a=1' }))
  const entries = mesh.journal.entries
    .filter(
      ({ type }) =>
        !type.startsWith('fault.') && !['reply.sequence', 'mesh.started', 'topology.changed'].includes(type),
    )
    .map((entry) => {
      const { t: _t, seq: _seq, ...rest } = entry as Record<string, unknown>
      for (const key of ['startMs', 'endMs', 'durationMs']) delete rest[key]
      return rest
    })
  await mesh.stop()
  expect(mesh.problems).toEqual([])
  return { answers, entries }
}

describe('a reply given at once', () => {
  test('is what the long way gives, byte for byte, and is written down entry for entry', async () => {
    const short = await story(() => {})
    const slow = await story((mesh) => void mesh.chaos.latency('catalog', { ms: 1, when: () => false }))
    expect(short.answers).toEqual(slow.answers)
    expect(short.entries).toEqual(slow.entries)
    expect(short.entries.filter(({ type }) => type === 'span.ended')).toHaveLength(paths.length)
  })

  test('is what the long way gives where its headers are odd or cannot be sent', async () => {
    const answers = async (prepare: (mesh: Mesh) => void) => {
      const mesh = await startMesh(shop, { transport: 'listeners' })
      mesh
        .service('catalog')
        .reply('/latin', { text: 'ü', headers: { 'x-l': 'é' } })
        .reply('/emoji', { text: 'x', headers: { 'x-e': '✓' } })
      prepare(mesh)
      const all = []
      for (const path of ['/latin', '/emoji']) {
        const { status, rawHeaders, text } = await get(mesh.url('catalog') + path)
        all.push({ status, rawHeaders, text })
      }
      await mesh.stop()
      return { all, problems: mesh.problems.map(({ message }) => message) }
    }
    const short = await answers(() => {})
    expect(short).toEqual(await answers((mesh) => void mesh.chaos.latency('catalog', { ms: 1, when: () => false })))
    expect(short.all.map(({ status, rawHeaders }) => [status, rawHeaders[1]])).toEqual([
      [200, 'é'],
      [502, 'handler-failed'],
    ])
    expect(short.problems).toEqual(['Invalid character in header content ["x-e"]'])
  })

  test('waits for nothing: no entry of another request comes between those of one', async () => {
    const mesh = await startMesh(shop, { transport: 'listeners' })
    mesh.service('catalog').reply('GET /items/:id', { json: { ok: true } })
    await Promise.all(Array.from({ length: 20 }, (_, i) => get(`${mesh.url('catalog')}/items/${i}`)))
    const calls = mesh.journal.entries.flatMap((entry) => ('call' in entry ? [String(entry.call)] : []))
    expect(calls).toEqual(Array.from({ length: 20 }, (_, i) => Array<string>(7).fill(String(i + 1))).flat())
    expect(
      mesh
        .service('catalog')
        .requests.map(({ instance }) => instance)
        .slice(0, 3),
    ).toEqual(['catalog-1', 'catalog-2', 'catalog-1'])
    await mesh.stop()
  })

  test('is held back by a gate, hit by a fault, delayed by a script: whatever comes on the road counts at once', async () => {
    const mesh = await startMesh(shop, { transport: 'listeners' })
    const url = `${mesh.url('catalog')}/a`
    mesh.service('catalog').reply('GET /a', { text: 'fine' })
    expect((await get(url)).text).toBe('fine')
    const fault = mesh.chaos.abort('catalog', { status: 503 })
    expect((await get(url)).status).toBe(503)
    fault.revert()
    expect((await get(url)).status).toBe(200)
    const gate = mesh.hold('storefront->catalog')
    const held = get(url)
    await gate.arrived()
    gate.release()
    expect((await held).text).toBe('fine')
    mesh.edge('storefront->catalog').configure({ mode: 'async' })
    expect((await get(url)).status).toBe(202)
    mesh.edge('storefront->catalog').configure({ mode: 'sync' })
    expect((await get(url)).text).toBe('fine')
    await mesh.settled()
    expect(mesh.service('catalog').requests).toHaveLength(5)
    await mesh.stop()
  })

  test('has the fate that the seed gives it: a fault by chance hits the same calls on the short way and on the long one', async () => {
    const fates = async (isLong: boolean) => {
      const mesh = await startMesh(shop, { transport: 'listeners' })
      mesh.service('catalog').reply('GET /a', 200)
      const fault = mesh.chaos.abort('catalog', { percent: 30 })
      const limited = mesh.chaos.abort('storefront->catalog', { status: 504, percent: 50, times: 3 })
      if (isLong) mesh.chaos.latency('catalog', { ms: 1, when: () => false })
      const statuses: number[] = []
      for (let i = 0; i < 40; i++) statuses.push((await get(`${mesh.url('catalog')}/a`)).status)
      const hits = mesh.journal.where({ type: 'fault.hit' }).map(({ call, kind }) => `${call} ${kind}`)
      await mesh.stop()
      return { statuses, hits, counts: [fault.hits, limited.hits] }
    }
    const short = await fates(false)
    expect(short.statuses).toContain(200)
    expect(short.statuses).toContain(503)
    expect(short.counts).toEqual([short.statuses.filter((status) => status === 503).length, 3])
    expect(await fates(true)).toEqual(short)
  })

  test('goes to those who follow the journal, too', async () => {
    const mesh = await startMesh(shop, { transport: 'listeners' })
    mesh.service('catalog').reply('GET /a', 200)
    const types: string[] = []
    mesh.journal.subscribe(({ type }) => types.push(type))
    await get(`${mesh.url('catalog')}/a`)
    expect(types).toEqual([
      'call.started',
      'attempt.started',
      'request.received',
      'trace.context',
      'span.ended',
      'attempt.ended',
      'call.ended',
    ])
    await mesh.stop()
  })
})
