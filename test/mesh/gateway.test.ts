import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { defineMesh, http as route, HttpResponse, startGateway, startMesh, ws } from '../../src/index.ts'
import type { Gateway, Mesh } from '../../src/index.ts'
import { send } from '../support/clients.ts'

const shop = defineMesh({
  name: 'shop',
  services: {
    orders: { underTest: true, calls: { payments: {}, catalog: {} } },
    payments: {
      handlers: [
        route.all('/charges', async ({ request }) => HttpResponse.json({ got: await request.text() })),
        route.get('/long', () => HttpResponse.text('0123456789'.repeat(10))),
      ],
    },
    catalog: {},
  },
})

/** Of another test, with an edge of the same name. */
const unit = defineMesh({
  name: 'unit',
  services: { orders: { underTest: true, calls: { payments: {} } }, payments: {} },
})

let gateway: Gateway
const meshes: Mesh[] = []
const start = async (options = {}) => {
  const mesh: Mesh = await startMesh(shop, { gateway: gateway.url, transport: 'listeners', ...options })
  meshes.push(mesh)
  return mesh
}
const payments = () => gateway.env('orders')['PAYMENTS_URL']!
const charge = (headers: Record<string, string> = {}, path = '/charges', body = 'x') =>
  send(`${payments()}${path}`, { method: 'POST', headers, agent: false }, body)
const paths = (mesh: Mesh) => mesh.journal.where({ type: 'request.received' }).map(({ path }) => path)

beforeEach(async () => {
  gateway = await startGateway(shop)
})
afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.stop()))
  await gateway.close()
})

/** What comes back for raw bytes, and how the connection ends. */
async function raw(url: string, bytes: string) {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(bytes)
  const ending = await new Promise<string>((resolve) => {
    socket.once('end', () => resolve('FIN'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
  })
  socket.destroy()
  return { ending, received: Buffer.concat(chunks).toString('latin1') }
}
const rawGet = (path: string, headers: Record<string, string> = {}) =>
  raw(
    payments(),
    [`GET ${path} HTTP/1.1`, 'host: x', ...Object.entries(headers).map((line) => line.join(': ')), '', ''].join('\r\n'),
  )

describe('a gateway', () => {
  test('has an address for each callee, under the names of mesh.env', async () => {
    const mesh = await start()
    const env = gateway.env('orders')
    expect(env).toMatchObject({ MESHWRIGHT_SERVICE: 'orders', PAYMENTS_URL: expect.stringMatching(/^http:/) })
    for (const name of Object.keys(env)) expect(mesh.env('orders')).toHaveProperty(name)
    expect(env['PAYMENTS_URL']).not.toBe(mesh.env('orders')['PAYMENTS_URL'])
    expect(() => gateway.env('payments')).toThrowErrorMatchingInlineSnapshot(`
      [MeshError: gateway.env: no service "payments" is under test and calls another
        There are: orders   [MESH_UNKNOWN_SERVICE]]
    `)
  })

  test('leads each request to the mesh that it names, by baggage or by its trace', async () => {
    const [a, b] = [await start(), await start()]
    await charge({ baggage: a.headers()['baggage']! }, '/charges?a')
    await charge({ traceparent: b.headers()['traceparent']! }, '/charges?b')
    await charge({ ...a.headers(), connection: 'keep-alive' }, '/charges?c')
    expect([paths(a), paths(b)]).toEqual([['/charges?a', '/charges?c'], ['/charges?b']])
    expect([gateway.meshes, gateway.relayed, gateway.unroutable]).toEqual([2, 3, 0])
  })

  test('needs no headers as long as there is one mesh', async () => {
    const mesh = await start()
    expect((await charge()).status).toBe(200)
    expect(paths(mesh)).toEqual(['/charges'])
  })

  test('answers 421 and says what to forward when a request names no mesh', async () => {
    const [a, b] = [await start(), await start()]
    const { status, headers, body } = await charge()
    expect([status, headers['x-mesh-outcome']]).toEqual([421, 'no-mesh'])
    expect(body.toString()).toMatchInlineSnapshot(`
      "orders->payments POST /charges: it names none of the 2 meshes that are running, neither by a member "meshwright" of its \`baggage\` nor by its \`traceparent\`.
      Send mesh.headers() along with what the test sends to orders, and let orders forward \`baggage\` or \`traceparent\` from each request to the calls that it makes because of it.
      "
    `)
    expect([...paths(a), ...paths(b), ...a.problems, ...b.problems]).toEqual([])
    expect(await gateway.close()).toMatchInlineSnapshot(`
      {
        "relayed": 0,
        "unroutable": 1,
        "warning": "1 request found no mesh at the gateway of "shop":
        orders->payments POST /charges: it names none of the 2 meshes that are running, neither by a member "meshwright" of its \`baggage\` nor by its \`traceparent\`",
      }
    `)
  })

  test('answers 421 although the client is still sending', async () => {
    const { status } = await charge({}, '/charges', 'x'.repeat(5_000_000))
    expect(status).toBe(421)
  })

  test('keeps the late request of a test that has ended from the next one', async () => {
    const first = await start()
    const late = first.headers()
    await first.stop()
    const second = await start()
    expect((await charge({ baggage: late['baggage']! })).body.toString()).toContain('is not running (any more)')
    expect((await charge({ traceparent: late['traceparent']! })).status).toBe(421)
    expect(paths(second)).toEqual([])
  })

  test('gives each mesh exactly its own requests, however they interleave', async () => {
    const all = await Promise.all([start(), start(), start(), start()])
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ mesh: fc.nat({ max: 3 }), by: fc.constantFrom('baggage', 'traceparent') }), {
          minLength: 200,
          maxLength: 200,
        }),
        async (requests) => {
          const marker = `round=${++round}`
          const sent = requests.map(({ mesh, by }, nth) => ({ mesh, by, path: `/charges?${marker}&nth=${nth}` }))
          await Promise.all(sent.map(({ mesh, by, path }) => charge({ [by]: all[mesh]!.headers()[by]! }, path)))
          all.forEach((mesh, index) => {
            const got = paths(mesh).filter((path) => path.includes(`?${marker}&`))
            const own = sent.filter((request) => request.mesh === index).map(({ path }) => path)
            expect(got.toSorted()).toEqual(own.toSorted())
          })
        },
      ),
      { numRuns: 5 },
    )
    expect(gateway.unroutable).toBe(0)
  })

  test('relays long bodies in both directions', async () => {
    const mesh = await start()
    const body = 'y'.repeat(3_000_000)
    const answer = await charge(mesh.headers(), '/charges', body)
    expect(JSON.parse(answer.body.toString())).toEqual({ got: body })
  })

  test('keeps no connection, since the next request may belong to another mesh', async () => {
    const [a, b] = [await start(), await start()]
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (const mesh of [a, b, a])
      await send(`${payments()}/charges`, { method: 'POST', headers: mesh.headers(), agent }, 'x')
    agent.destroy()
    expect([paths(a).length, paths(b).length]).toEqual([2, 1])
  })
})

describe('a fault arrives through the gateway', () => {
  test('as an RST, with the connection refused and reset', async () => {
    const mesh = await start()
    const fault = mesh.chaos.reset('payments')
    expect(await rawGet('/long')).toEqual({ ending: 'ECONNRESET', received: '' })
    fault.revert()
    mesh.chaos.outage('payments')
    expect(await rawGet('/long')).toEqual({ ending: 'ECONNRESET', received: '' })
    expect(mesh.edge('orders->payments').stats.calls).toBe(1)
  })

  test('as half of a body and an RST', async () => {
    const mesh = await start()
    mesh.chaos.reset('payments', { at: 'mid-body' })
    const { ending, received } = await rawGet('/long')
    expect(ending).toBe('ECONNRESET')
    expect(received).toMatch(/content-length: 100\r\n[^]*\r\n\r\n(0123456789){5}$/)
  })

  test('as half of a body and a FIN', async () => {
    const mesh = await start()
    mesh.chaos.truncate('payments')
    const { ending, received } = await rawGet('/long')
    expect(ending).toBe('FIN')
    expect(received).toMatch(/content-length: 100\r\n[^]*\r\n\r\n(0123456789){5}$/)
  })

  test('as silence, until the client goes away', async () => {
    const mesh = await start()
    mesh.chaos.hang('payments')
    const request = http.get(`${payments()}/long`, { agent: false })
    const failed = once(request, 'error')
    await expect.poll(() => mesh.openCalls().length).toBe(1)
    request.destroy(new Error('enough'))
    await failed
    await mesh.settled()
  })

  test('of one mesh and not of the other', async () => {
    const [a, b] = [await start(), await start()]
    a.chaos.abort('payments', { status: 418 })
    const [ofA, ofB] = await Promise.all([charge(a.headers()), charge(b.headers())])
    expect([ofA.status, ofB.status]).toEqual([418, 200])
  })
})

describe('what is no plain request', () => {
  const chat = ws.link('*/echo').addEventListener('connection', ({ client }) => {
    client.addEventListener('message', ({ data }) => client.send(`${String(data)}!`))
  })
  /** A mesh at a gateway of its own, with a WebSocket and with bytes. */
  async function startStreams(meshesAtOnce: number) {
    const server = net.createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const streams = defineMesh({
      name: 'streams',
      services: {
        orders: { underTest: true, calls: { chat: {}, cache: {} } },
        chat: { handlers: [chat] },
        cache: { tcp: true, upstream: `tcp://127.0.0.1:${port}` },
      },
    })
    await gateway.close()
    gateway = (await startGateway(streams)) as unknown as Gateway
    for (let i = 0; i < meshesAtOnce; i++)
      meshes.push(await startMesh(streams, { gateway: gateway.url, transport: 'listeners' }))
    return { env: gateway.env('orders'), [Symbol.asyncDispose]: async () => void server.close() }
  }

  test('is a WebSocket, which goes to the mesh that its handshake names', async () => {
    await using streams = await startStreams(2)
    for (const mesh of meshes) {
      const socket = new WebSocket(`${streams.env['CHAT_URL']}/echo`, { headers: mesh.headers() })
      await once(socket, 'open')
      socket.send('hey')
      expect(String((await once(socket, 'message'))[0])).toBe('hey!')
      socket.close()
      await once(socket, 'close')
    }
    for (const mesh of meshes) expect(mesh.edge('orders->chat').stats.calls).toBe(1)
  })

  test('is bytes, which go to the only mesh, and are reset when there are more', async () => {
    await using streams = await startStreams(1)
    expect(streams.env['CACHE_URL']).toMatch(/^tcp:/)
    expect(await raw(streams.env['CACHE_URL']!, '')).toEqual({ ending: 'FIN', received: 'hello' })
    await using more = await startStreams(2)
    expect(await raw(more.env['CACHE_URL']!, '')).toEqual({ ending: 'ECONNRESET', received: '' })
    expect((await gateway.close()).warning).toContain('a connection of bytes, which name no mesh')
  })

  test('is TLS, which goes to the only mesh, and is reset when there are more', async () => {
    const secure = `${payments().replace('http:', 'https:')}/charges`
    const options = { rejectUnauthorized: false, agent: false, headers: { baggage: 'tenant=7' } } as const
    await start()
    expect((await send(secure, options)).status).toBe(200)
    await start()
    await expect(send(secure, options)).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect([gateway.relayed, gateway.unroutable]).toEqual([1, 1])
  })

  test('is a client that goes away before it has said what it wants', async () => {
    await start()
    const socket = net.connect({ port: Number(new URL(payments()).port), host: '127.0.0.1', allowHalfOpen: true })
    socket.end('GET / HTTP/1.1\r\n')
    socket.resume()
    await once(socket, 'close')
    expect([gateway.relayed, gateway.unroutable]).toEqual([0, 0])
  })
})

describe('the control side of a gateway', () => {
  const post = (headers: http.OutgoingHttpHeaders, body = '{}', path = '/meshes') => {
    const { port, username } = new URL(gateway.url)
    return send(
      `http://127.0.0.1:${port}${path}`,
      {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${username}`, 'content-type': 'application/json', ...headers },
      },
      body,
    ).then(({ status, body: text }) => `${status} ${text.toString().trim()}`)
  }

  test('refuses who does not know the token', async () => {
    expect(await post({ authorization: 'Bearer guessed' })).toMatch(/^401 /)
    expect(await post({ authorization: '' })).toMatch(/^401 /)
  })

  test('refuses pages, also through a name that leads to this machine', async () => {
    expect(await post({ origin: 'http://127.0.0.1' })).toMatch(/^403 /)
    expect(await post({ host: 'evil.test' })).toMatch(/^403 /)
  })

  test.each([
    ['no JSON', '{', 400],
    ['no object', 'null', 400],
    ['another protocol', '{"protocol":0}', 400],
    ['no name', '{"protocol":1,"mesh":"","edges":{}}', 400],
    ['no edges', '{"protocol":1,"mesh":"shop"}', 400],
    ['no ports', '{"protocol":1,"mesh":"shop","edges":{"orders->payments":70000}}', 400],
    ['none of its edges', '{"protocol":1,"mesh":"shop","edges":{"a->b":1}}', 409],
    ['too much', JSON.stringify('x'.repeat(300_000)), 413],
  ])('refuses %s', async (_what, body, status) => expect(await post({}, body)).toMatch(new RegExp(`^${status} \\S`)))

  test('refuses what is no JSON by its type, and other paths', async () => {
    expect(await post({ 'content-type': 'text/plain' })).toMatch(/^415 /)
    expect(await post({}, '{}', '/')).toMatch(/^404 /)
    expect(gateway.meshes).toBe(0)
  })
})

describe('a mesh', () => {
  test('joins the gateway of the environment if it is of the same definition', async () => {
    process.env['MESHWRIGHT_GATEWAY'] = gateway.url
    try {
      await using same = await startMesh(shop, { transport: 'listeners' })
      await using other = await startMesh(unit)
      await using away = await startMesh(shop, { gateway: false, transport: 'listeners' })
      expect(gateway.meshes).toBe(1)
      expect((await charge()).status).toBe(200)
      expect([same, other, away].map((mesh: Mesh) => paths(mesh).length)).toEqual([1, 0, 0])
      // Those that are at no gateway have headers all the same.
      expect(away.headers()['baggage']).not.toBe(same.headers()['baggage'])
    } finally {
      delete process.env['MESHWRIGHT_GATEWAY']
    }
  })

  test('is registered from its start to its stop', async () => {
    const mesh = await start()
    expect(gateway.meshes).toBe(1)
    await mesh.stop()
    expect(gateway.meshes).toBe(0)
    expect(mesh.problems).toEqual([])
    expect(() => mesh.headers()).toThrow('the mesh "shop" has stopped')
  })

  test('tells its test when the gateway goes away', async () => {
    const mesh = await start()
    await gateway.close()
    await expect.poll(() => mesh.problems).toMatchObject([{ code: 'MESH_GATEWAY' }])
  })

  test('does not start at a gateway that is not there', async () => {
    const { url } = gateway
    await gateway.close()
    await expect(startMesh(shop, { gateway: url })).rejects.toMatchObject({ code: 'MESH_GATEWAY' })
    const wrong = await startGateway(shop)
    const { port } = new URL(wrong.url)
    await expect(startMesh(shop, { gateway: `http://guessed@127.0.0.1:${port}` })).rejects.toThrow('not the token')
    await wrong.close()
  })

  test.each(['http://127.0.0.1:1', 'nonsense', 'http://token@example.com:1', 7])(
    'does not take %j for the address of a gateway',
    async (url) => {
      await expect(startMesh(shop, { gateway: url as string })).rejects.toMatchObject({ code: 'MESH_INVALID_OPTION' })
    },
  )

  test('adds its key to what it sends to a real service', async () => {
    await using server = await serverThat((request, response) => response.end(JSON.stringify(request.headers)))
    const mesh = await start()
    mesh.service('catalog').forwardTo(server.url)
    const headers = await (await mesh.call('orders', 'catalog', '/', { headers: { baggage: 'tenant=7' } })).json()
    expect(headers['baggage']).toBe(`${mesh.headers()['baggage']},tenant=7`)
  })
})

describe('startGateway', () => {
  test('takes the ports and the token that it is told', async () => {
    const { port: free } = new URL(payments())
    await gateway.close()
    const token = 'a-token-of-the-configuration'
    gateway = await startGateway(shop, { ports: { 'orders->payments': Number(free) }, token })
    expect([new URL(payments()).port, new URL(gateway.url).username]).toEqual([free, token])
    await expect(startGateway(shop, { ports: { 'orders->payments': Number(free) } })).rejects.toMatchObject({
      code: 'MESH_PORT_TAKEN',
    })
  })

  test.each([
    [{ ports: { 'orders->payment': 1 } }, 'Did you mean "orders->payments"?'],
    [{ ports: { 'orders->payments': -1 } }, 'integer from 0 to 65535'],
    [{ port: 'x' }, 'integer from 0 to 65535'],
    [{ token: 'short' }, '16 to 200'],
    [{ prot: 1 }, '`prot`'],
  ])('refuses %j', async (options, text) => {
    await expect(startGateway(shop, options as never)).rejects.toThrow(text)
  })

  test('refuses a definition without a service under test that calls another', async () => {
    const alone = defineMesh({ name: 'alone', services: { payments: {} } })
    await expect(startGateway(alone)).rejects.toMatchObject({ code: 'MESH_INVALID_DEFINITION' })
    await expect(startGateway({} as never)).rejects.toMatchObject({ code: 'MESH_INVALID_DEFINITION' })
  })
})

async function serverThat(listener: http.RequestListener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}
