import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { languages, startProgram } from './foreign-program.ts'
import type { Asking, Program, Told } from './foreign-program.ts'
import { foreignShapes } from './foreign-shapes.ts'
import type { ForeignShape } from './foreign-shapes.ts'
import { meshes } from './meshes.ts'

/** One client of a program, on one kind of address. */
export interface Way {
  readonly client: string
  readonly protocol: 'http' | 'https'
  /** As the client names it. */
  readonly speaks: 'HTTP/1.1' | 'HTTP/2'
  /** Its column in the table of faults. */
  readonly shape: Exclude<keyof ForeignShape, 'inject'>
}

const text = 'abcdefghijklmnopqrst'
export const foreignSite = defineMesh({
  name: 'site',
  services: {
    app: { underTest: true, calls: { files: {} } },
    files: {
      url: 'https://files.shop.test',
      handlers: [
        http.get('/text', () => HttpResponse.text(text)),
        http.head('/text', () => new HttpResponse(null, { headers: { 'content-length': '20' } })),
        http.get('/status/:code', ({ params }) => new HttpResponse(null, { status: Number(params['code']) })),
        http.get('/cookies', () => {
          const headers = new Headers()
          for (let i = 0; i < 30; i++) headers.append('set-cookie', `c${i}=v,${i}; Path=/`)
          return new HttpResponse('set', { headers })
        }),
        http.post('/echo', async ({ request }) => {
          const body = await request.arrayBuffer()
          const framing = request.headers.get('content-length') ?? request.headers.get('transfer-encoding') ?? 'none'
          return new HttpResponse(body, { headers: { 'set-cookie': `framing=${framing}` } })
        }),
      ],
    },
  },
})

const hash = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

/** Node's HTTP/2 and Java's give the version other names. */
const versions: Record<Way['speaks'], RegExp> = { 'HTTP/1.1': /^HTTP[/_]1[._]1$/, 'HTTP/2': /^HTTP[/_]2(\.0)?$/ }

/** Go words its limit by what it was doing then, and by which of its two timers was first; the bytes are those of the seed. */
const normalised = (message: string) =>
  message
    .replace(/^.* \((?=Client\.Timeout)/, 'context deadline exceeded (')
    .replace(/(malformed HTTP response ").*(")/s, '$1<bytes>$2')
    .replace(/(status line, receiving \[).*(\], parser)/s, '$1<bytes>$2')

/** As the table of faults words it; Go's errors are known by what they say. */
function words({ status, bytes, error, message = '' }: Told, sent: number): string {
  if (!error) return `ok ${bytes}`
  const isGo = error.includes('.')
  const said = message === 'null' ? error : isGo ? normalised(message) : `${error}: ${normalised(message)}`
  const again = sent > 2 ? '; sent again and again' : sent === 2 ? '; sent twice' : ''
  return `${status ? `${status}, then ` : ''}${said}${again}`
}

const sentOf = (mesh: Mesh) => mesh.journal.where({ type: 'call.started' }).length

/** Passes bytes on, and counts the connections. */
async function countingRelay(port: number) {
  let count = 0
  const server = createServer((client) => {
    count++
    const there = connect(port, '127.0.0.1')
    for (const socket of [client, there]) socket.on('error', () => socket.destroy())
    client.pipe(there).pipe(client)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    count: () => count,
    close: () => void server.close(),
  }
}

export interface Running {
  readonly ask: Program['ask']
  /** A mesh, its address for a way, and the program's client for it. */
  open(way: Way): Promise<{ mesh: Mesh; url: string; ask: (path: string, asking?: MethodAsking) => Promise<Told> }>
}
export type MethodAsking = Asking & { readonly method?: string }

/** The exchanges and the faults of HTTP, as clients of another language see them; `more` has those of this language alone. */
export function describeLanguage(
  language: keyof typeof languages,
  tools: readonly (readonly [command: string, flag: string])[],
  ways: readonly Way[],
  more: (running: Running) => void,
): void {
  const isThere = tools.every(([command, flag]) => spawnSync(command, [flag]).status === 0)
  const named = tools.map(([command]) => command).join(' and ')

  describe.skipIf(!isThere)(`clients in ${language} (skipped without ${named})`, { timeout: 60_000 }, () => {
    const start = meshes()
    const folder = mkdtempSync(join(tmpdir(), `meshwright-${language}-`))
    let program: Program
    const running: Running = {
      ask: (...asked) => program.ask(...asked),
      async open({ client, protocol }) {
        const mesh = (await start(foreignSite)) as unknown as Mesh
        const url = mesh.url('files', { protocol })
        return {
          mesh,
          url,
          ask: async (path, { method = 'GET', ...asking } = {}) =>
            (await program.ask(client, method, `${url}${path}`, asking))[0]!,
        }
      },
    }
    beforeAll(async () => {
      const command = await languages[language].compile(folder)
      const mesh = (await start(foreignSite)) as unknown as Mesh
      // The mesh's own file goes with the mesh, and the program lives for longer.
      const authority = join(folder, 'ca.pem')
      writeFileSync(authority, mesh.authority.certificate)
      program = startProgram(command, authority)
    }, 300_000)
    afterAll(async () => {
      await program?.end()
      rmSync(folder, { recursive: true, force: true })
    })

    for (const way of ways)
      describe(`${way.client} over ${way.protocol}, ${way.speaks}`, () => {
        exchanges(running, way)
      })
    faults(running, ways)
    more(running)
  })
}

function exchanges({ ask: askAt, open }: Running, way: Way): void {
  const [h1, many] = [way.speaks === 'HTTP/1.1', 5_000_000]
  const sent = (size: number) => hash(Buffer.alloc(size, 'x'))

  test('gets a text, its length and the protocol', async () => {
    const { ask, mesh } = await open(way)
    expect(await ask('/text')).toMatchObject({
      status: 200,
      protocol: expect.stringMatching(versions[way.speaks]),
      bytes: 20,
      length: 20,
      sha256: hash(text),
    })
    expect(sentOf(mesh)).toBe(1)
  })

  test.each([0, 1, 100_000, many])('posts %i bytes with their length and gets them back', async (size) => {
    const { ask } = await open(way)
    const told = await ask('/echo', { method: 'POST', body: size })
    expect(told).toMatchObject({ status: 200, bytes: size, sha256: sent(size) })
    // In HTTP/2 an empty body needs no length: the end of the request comes with its headers.
    expect([`framing=${size}`, ...(!h1 && size === 0 ? ['framing=none'] : [])]).toContain(told.cookies![0])
  })

  test.each([1, 100_000, many])('posts %i bytes without a length and gets them back', async (size) => {
    const { ask } = await open(way)
    const told = await ask('/echo', { method: 'POST', body: size, chunked: true })
    const framing = `framing=${h1 ? 'chunked' : 'none'}`
    expect(told).toMatchObject({ status: 200, bytes: size, sha256: sent(size), cookies: [framing] })
  })

  test('waits for 100 Continue before it sends its body', async () => {
    const { ask } = await open(way)
    const told = await ask('/echo', { method: 'POST', body: 1_000, expect: true })
    expect(told).toMatchObject({ status: 200, bytes: 1_000, sha256: sent(1_000) })
  })

  test('keeps many cookies apart', async () => {
    const { ask } = await open(way)
    const { cookies } = await ask('/cookies')
    // HttpURLConnection hands them over in the opposite order.
    expect([...cookies!].toSorted()).toEqual(Array.from({ length: 30 }, (_, i) => `c${i}=v,${i}; Path=/`).toSorted())
  })

  test('takes answers without a body', async () => {
    const { ask } = await open(way)
    expect(await ask('/text', { method: 'HEAD' })).toMatchObject({ status: 200, bytes: 0, length: 20 })
    for (const status of [204, 304])
      expect(await ask(`/status/${status}`)).toMatchObject({ status, bytes: 0, sha256: hash('') })
  })

  test('reads an event stream as it comes', async () => {
    const { mesh, ask } = await open(way)
    let events!: ReadableStreamDefaultController<Uint8Array>
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (events = controller) })
    mesh
      .service('files')
      .use(http.get('/events', () => new HttpResponse(body, { headers: { 'content-type': 'text/event-stream' } })))
    let heard = ''
    const told = ask('/events', { onPiece: (piece) => (heard += piece) })
    let expected = ''
    for (const id of [1, 2, 3]) {
      expected += `data: ${id}\n\n`
      events.enqueue(Buffer.from(`data: ${id}\n\n`))
      await expect.poll(() => heard).toBe(expected)
    }
    events.close()
    expect(await told).toMatchObject({ status: 200, bytes: expected.length, length: -1, sha256: hash(expected) })
  })

  test('uses its connection again', async () => {
    const { mesh, url } = await open(way)
    const relay = await countingRelay(Number(new URL(url).port))
    const told: Told[] = []
    for (const [method, path, asking] of [
      ['GET', '/text', {}],
      ['POST', '/echo', { body: 100_000 }],
      ['GET', '/status/204', {}],
      ['HEAD', '/text', {}],
      ['GET', '/text', {}],
    ] as const) {
      const to = `${way.protocol}://127.0.0.1:${relay.port}${path}`
      told.push(...(await askAt(way.client, method, to, { ...asking, keep: `relay-${relay.port}` })))
    }
    expect(told.map(({ status }) => status)).toEqual([200, 200, 204, 200, 200])
    expect([relay.count(), sentOf(mesh)]).toEqual([1, 5])
    relay.close()
  })

  test('sends 50 requests at once', async () => {
    const { mesh, url } = await open(way)
    const told = await askAt(way.client, 'GET', `${url}/text`, { times: 50, keep: url })
    expect(told.map(({ status, sha256 }) => [status, sha256])).toEqual(
      Array.from({ length: 50 }, () => [200, hash(text)]),
    )
    expect(sentOf(mesh)).toBe(50)
  })
}

function faults({ open }: Running, ways: readonly Way[]): void {
  const nameOf = ({ client, protocol }: Way) => `${client} over ${protocol}`
  for (const [fault, { inject, ...shapes }] of Object.entries(foreignShapes))
    test(`${fault} is seen as what it is, and nothing of it afterwards`, async () => {
      const seen = async (way: Way) => {
        const { mesh, url, ask } = await open(way)
        inject(mesh.chaos, 'files')
        // The port of an outage closes in a moment.
        const plain = `${url.replace('https:', 'http:')}/text`
        const reached = () => fetch(plain).then(Boolean, () => false)
        if (fault.startsWith('outage')) await expect.poll(reached).toBe(false)
        const told = await ask('/text', { limit: 1_500 })
        const said = words(told, sentOf(mesh))
        if (/mid-body|truncate/.test(fault)) expect(told).toMatchObject({ status: 200, length: 20, bytes: 10 })
        mesh.chaos.heal()
        await expect.poll(reached).toBe(true)
        expect(await ask('/text')).toMatchObject({ status: 200, sha256: hash(text) })
        return [nameOf(way), said] as const
      }
      expect(Object.fromEntries(await Promise.all(ways.map(seen)))).toEqual(
        Object.fromEntries(ways.map((way) => [nameOf(way), shapes[way.shape]])),
      )
    })
}
