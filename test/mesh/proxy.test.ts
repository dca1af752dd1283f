import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { matchers } from '../../matchers/index.ts'
import { call, defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

expect.extend(matchers)
const start = meshes()

const shop = defineMesh({
  name: 'shop',
  services: {
    app: { underTest: true, calls: { orders: {}, payments: {} } },
    admin: { underTest: true, calls: { orders: {} } },
    orders: {
      url: 'http://orders.shop.test',
      calls: { payments: {} },
      handlers: [
        http.get('/items/:id', async ({ params }) => {
          const paid = await call('payments', '/charges')
          return HttpResponse.json({ id: params['id'], paid: paid.status })
        }),
      ],
    },
    payments: { url: 'https://payments.shop.test', handlers: [http.get('/charges', () => HttpResponse.text('paid'))] },
  },
})

interface Ran {
  out: string
  err: string
  code: unknown
}

/** Runs a program with the environment of a service, as a test would start its system under test. */
const run = (mesh: Mesh, service: string, command: string, args: string[], more: Record<string, string> = {}) =>
  new Promise<Ran>((resolve) =>
    execFile(
      command,
      args,
      { env: { ...process.env, ...mesh.env(service), ...more }, timeout: 30_000 },
      (error, out, err) => resolve({ out: out.trim(), err: err.trim(), code: error ? error.code : 0 }),
    ),
  )

const node = (mesh: Mesh, service: string, script: string) =>
  run(mesh, service, process.execPath, ['--input-type=module', '-e', script])

const callsOn = (mesh: Mesh) => mesh.journal.where({ type: 'call.started' }).map(({ edge, path }) => `${edge} ${path}`)
const refusals = (mesh: Mesh) => mesh.journal.where({ type: 'proxy.refused' })

const python = '/usr/bin/python3'
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe.skipIf(!existsSync(python))(`a program in Python (skipped without ${python})`, () => {
  const get = (url: string, headers = '{}') => `
import urllib.request
with urllib.request.urlopen(urllib.request.Request('${url}', headers=${headers})) as answer:
    print(answer.status, answer.read().decode())
`

  test('reaches the mesh by the real names, over http and https', async () => {
    const mesh = await start(shop)
    const headers = `{'traceparent': '${traceparent}'}`
    expect(await run(mesh, 'app', python, ['-c', get('http://orders.shop.test/items/7', headers)])).toEqual({
      out: '200 {"id":"7","paid":200}',
      err: '',
      code: 0,
    })
    expect(await run(mesh, 'app', python, ['-c', get('https://payments.shop.test/charges', headers)])).toMatchObject({
      out: '200 paid',
    })
    expect(callsOn(mesh)).toEqual(['app->orders /items/7', 'orders->payments /charges', 'app->payments /charges'])
    expect(mesh.journal.where({ type: 'call.started' }).map(({ origin }) => origin)).toEqual([
      'proxy',
      'handler',
      'proxy',
    ])
    expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
    const traces = new Set(mesh.journal.where({ type: 'span.ended' }).map(({ traceId }) => traceId))
    expect([...traces]).toEqual(['0af7651916cd43dd8448eb211c80319c'])
    expect(mesh.problems).toEqual([])
  })

  test('is told apart from another one by its proxy', async () => {
    const mesh = await start(shop)
    mesh.chaos.abort('admin->orders', { status: 503 })
    const [app, admin] = await Promise.all(
      ['app', 'admin'].map((service) => run(mesh, service, python, ['-c', get('http://orders.shop.test/items/7')])),
    )
    expect(app!.out).toContain('200')
    expect(admin!.err).toContain('HTTP Error 503')
    expect(mesh.edge('app->orders')).toHaveCallCount(1)
    expect(mesh.edge('admin->orders')).toHaveCallCount(1)
  })

  test('that calls along an undeclared edge is refused, and the test fails', async () => {
    const mesh = await start(shop)
    const { err } = await run(mesh, 'admin', python, ['-c', get('https://payments.shop.test/charges')])
    expect(err).toContain('HTTP Error 501')
    expect(mesh.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('"admin" called "payments" (GET /charges)'),
    ])
  })

  test('sees an outage as a connection that is reset', async () => {
    const mesh = await start(shop)
    mesh.chaos.outage('payments')
    mesh.chaos.outage('app->orders')
    for (const url of ['https://payments.shop.test/charges', 'http://orders.shop.test/items/7']) {
      const { err } = await run(mesh, 'app', python, ['-c', get(url)])
      expect(err).toMatch(/ConnectionResetError: \[Errno 104\] Connection reset by peer/)
    }
  })

  test('that asks for a host of nobody is refused, which is no mistake of the test', async () => {
    const mesh = await start(shop)
    const http = await run(mesh, 'app', python, ['-c', get('http://telemetry.example/')])
    expect(http.err).toContain('HTTP Error 502')
    const https = await run(mesh, 'app', python, ['-c', get('https://payment.shop.test/')])
    expect(https.err).toContain('Tunnel connection failed: 502 Bad Gateway (meshwright: ')
    expect(refusals(mesh)).toMatchObject([
      { caller: 'app', host: 'telemetry.example', port: 80 },
      { caller: 'app', host: 'payment.shop.test', port: 443 },
    ])
    expect(mesh.problems).toEqual([])
  })
})

describe('a program in Node', () => {
  test('reaches the mesh with axios', async () => {
    const mesh = await start(shop)
    const { out, err } = await node(
      mesh,
      'app',
      `import axios from 'axios'
       for (const url of ['http://orders.shop.test/items/7', 'https://payments.shop.test/charges'])
         console.log(JSON.stringify((await axios.get(url)).data))`,
    )
    expect({ out, err }).toEqual({ out: '{"id":"7","paid":200}\n"paid"', err: '' })
    expect(callsOn(mesh)).toContain('app->payments /charges')
  })

  test('reaches the mesh with undici and its proxies of the environment', async () => {
    const mesh = await start(shop)
    const { out } = await node(
      mesh,
      'admin',
      `import { EnvHttpProxyAgent, fetch } from 'undici'
       const dispatcher = new EnvHttpProxyAgent()
       console.log(await (await fetch('http://orders.shop.test/items/7', { dispatcher })).text())
       await dispatcher.close()`,
    )
    expect(out).toBe('{"id":"7","paid":200}')
    expect(callsOn(mesh)[0]).toBe('admin->orders /items/7')
  })
})

describe('curl', () => {
  const curl = (mesh: Mesh, ...args: string[]) => run(mesh, 'app', 'curl', ['-sS', '--max-time', '20', ...args])

  test('reaches the mesh over HTTP/1.1, HTTP/2, TLS and tunnels', async () => {
    const mesh = await start(shop)
    const written = ['-w', ' %{http_version} %{http_code}']
    expect((await curl(mesh, ...written, 'http://orders.shop.test/items/7')).out).toMatch(/ 1\.1 200$/)
    expect((await curl(mesh, ...written, '-p', 'http://orders.shop.test/items/7')).out).toMatch(/ 1\.1 200$/)
    expect((await curl(mesh, ...written, 'https://payments.shop.test/charges')).out).toBe('paid 2 200')
    expect((await curl(mesh, ...written, '--http1.1', 'https://payments.shop.test/charges')).out).toBe('paid 1.1 200')
    expect(mesh.problems).toEqual([])
  })

  test('sees the faults of a socket', async () => {
    const mesh = await start(shop)
    const url = 'https://payments.shop.test/charges'
    const seen = async () => (await curl(mesh, '--http1.1', url)).code
    const outage = mesh.chaos.outage('payments')
    expect(await seen()).toBe(35) // failed in the TLS handshake
    outage.revert()
    const reset = mesh.chaos.reset('payments')
    expect(await seen()).toBe(56) // reset while it waits for the answer
    reset.revert()
    mesh.chaos.truncate('payments')
    expect(await seen()).toBe(18) // a part of the body
  })

  test('reads a stream as it comes', async () => {
    const mesh = await start(shop)
    let next!: (line: string) => void
    mesh.service('payments').use(
      http.get('/events', () => {
        const body = new ReadableStream({
          start(controller) {
            next = (line) => controller.enqueue(new TextEncoder().encode(`data: ${line}\n\n`))
            next('one')
          },
        })
        return new HttpResponse(body, { headers: { 'content-type': 'text/event-stream' } })
      }),
    )
    const child = spawn('curl', ['-sSN', 'https://payments.shop.test/events'], {
      env: { ...process.env, ...mesh.env('app') },
    })
    const lines: string[] = []
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      lines.push(String(chunk).trim())
      if (lines.length === 2) break
      next('two')
    }
    child.kill()
    expect(lines).toEqual(['data: one', 'data: two'])
  })

  test('reaches servers of this machine', async () => {
    const mesh = await start(shop)
    const server = createServer((request, response) => response.end(`real ${request.url}`)).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
    expect((await curl(mesh, '--noproxy', '', url)).out).toBe('real /x')
    expect((await curl(mesh, '--noproxy', '', '-p', url)).out).toBe('real /x')
    expect((await curl(mesh, url)).out).toBe('real /x')
    server.closeAllConnections()
    server.close()
    expect(callsOn(mesh)).toEqual([])
  })

  test('is told of hosts that it mistyped', async () => {
    const mesh = await start(shop)
    expect((await curl(mesh, '-i', 'http://order.shop.test/')).out).toContain('Did you mean http://orders.shop.test?')
    const open = await start(shop.with({ unknownHosts: 'passthrough' }))
    // What it may reach now, it has to trust as before.
    expect(readFileSync(open.env('app')['SSL_CERT_FILE']!, 'utf8').match(/BEGIN CERTIFICATE/g)!.length).toBeGreaterThan(
      100,
    )
    expect((await curl(open, 'https://payments.shop.test/charges')).out).toBe('paid')
    expect((await curl(open, '-i', 'http://nobody.invalid/')).out).toContain('x-mesh-outcome: unreachable')
    expect(refusals(open)).toEqual([])
  })
})

describe('a proxy', () => {
  test('of any service is opened on request', async () => {
    const mesh = await start(shop)
    expect(() => mesh.proxy('orders')).toThrow(
      `mesh.proxy: no proxy is open for "orders"
  Open one first: await mesh.listen({ from: 'orders' }).   [MESH_UNSUPPORTED]`,
    )
    const url = await mesh.listen({ from: 'orders' })
    expect(mesh.proxy('orders')).toBe(url)
    expect(mesh.env('orders')['HTTP_PROXY']).toBe(url)
    expect((await run(mesh, 'orders', 'curl', ['-sS', 'https://payments.shop.test/charges'])).out).toBe('paid')
    expect(callsOn(mesh)).toEqual(['orders->payments /charges'])
    await expect(mesh.listen({ from: 'ordres' as 'orders' })).rejects.toThrow('Did you mean "orders"?')
    expect(() => mesh.proxy('ordres' as 'orders')).toThrow('Did you mean "orders"?')
  })

  test('answers what is scripted each time alike', async () => {
    const mesh = await start(shop, { transport: 'listeners' })
    mesh.service('orders').reply('GET /stock', { json: { left: 3 } })
    const { hostname: host, port } = new URL(mesh.proxy('app'))
    const get = (path: string) =>
      new Promise<string>((resolve, reject) =>
        request({ host, port, path, headers: { host: 'orders.shop.test' } }, async (response) =>
          resolve(Buffer.concat(await response.toArray()).toString()),
        )
          .on('error', reject)
          .end(),
      )
    for (let i = 0; i < 3; i++) expect(await get('http://orders.shop.test/stock?i=1')).toBe('{"left":3}')
    const started = mesh.journal.where({ type: 'call.started' })
    expect(started.map(({ edge, path, origin }) => [edge, path, origin])).toEqual(
      Array.from({ length: 3 }, () => ['app->orders', '/stock?i=1', 'proxy']),
    )
    mesh.chaos.outage('orders')
    await expect(get('http://orders.shop.test/stock')).rejects.toThrow('ECONNRESET')
    mesh.chaos.heal()
    mesh.removeService('orders')
    await expect(get('http://orders.shop.test/stock')).rejects.toThrow('ECONNRESET')
  })

  test('keeps what it is told for itself, also from the journal', async () => {
    const mesh = await start(shop, { transport: 'listeners' })
    mesh.service('orders').reply('GET /stock', 204)
    const { hostname: host, port } = new URL(mesh.proxy('app'))
    // The first request makes the address known, the second one could be answered at once.
    for (let i = 0; i < 2; i++) {
      const headers = { host: 'orders.shop.test', 'proxy-authorization': 'Basic c2VjcmV0' }
      const sent = request({ host, port, path: 'http://orders.shop.test/stock', headers }).end()
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      expect(response.resume().statusCode).toBe(204)
    }
    expect(mesh.journal.where({ type: 'request.received' })).toHaveLength(2)
    expect(mesh.journal.toJSONL()).not.toContain('c2VjcmV0')
  })

  test('leaves no certificate behind', async () => {
    const mesh = await start(shop)
    const { CURL_CA_BUNDLE: file = '' } = mesh.env('app')
    expect(existsSync(file)).toBe(true)
    const other = await start(shop)
    expect(other.env('app')['CURL_CA_BUNDLE']).toBe(file)
    await mesh.stop()
    expect(existsSync(file)).toBe(true)
    await other.stop()
    expect(existsSync(file)).toBe(false)
    expect(() => other.authority).toThrow('MESH_STOPPED')
  })

  test('goes with its service', async () => {
    const mesh = await start(shop)
    const url = mesh.proxy('admin')
    mesh.removeService('admin')
    await expect
      .poll(() => fetch(url).catch((error: Error) => (error.cause as { code: string }).code))
      .toBe('ECONNREFUSED')
    expect(mesh.proxy('app')).not.toBe(url)
  })

  test('is not there without listeners', async () => {
    const mesh = await start(shop, { listen: false })
    expect(mesh.env('app')).toEqual({ MESHWRIGHT_SERVICE: 'app' })
    expect(() => mesh.authority).toThrow('mesh.authority: no proxy is open, so there is no certificate yet')
    const asked = await start(shop, { listen: false, transport: 'proxy' })
    expect(asked.proxy()).toBe(asked.proxy('app'))
    expect(asked.authority.certificate).toMatch(/^-----BEGIN CERTIFICATE-----/)
  })

  test('is one of the test itself where nothing is under test', async () => {
    const mesh = await start(defineMesh({ name: 'bare', undeclaredCalls: 'allow', services: { orders: {} } }))
    const { out } = await run(mesh, 'orders', 'curl', ['-sS', '-x', mesh.proxy(), 'http://orders/'])
    expect(out).toContain('orders')
    expect(callsOn(mesh)).toEqual(['test->orders /'])
  })

  test('passes everything of this machine on, but what the mesh has there', async () => {
    const local = shop.with({ services: { orders: { url: 'http://localhost:4000' } } })
    const mesh = await start(local)
    expect(mesh.env('app')['NO_PROXY']).toBe('127.0.0.1,::1')
    const { out } = await run(mesh, 'app', 'curl', ['-sS', 'http://localhost:4000/items/7'])
    expect(out).toBe('{"id":"7","paid":200}')
  })

  test('refuses an option that is none', () => {
    expect(() => shop.with({ unknownHosts: 'allow' as 'refuse' })).toThrow(
      'mesh "shop": expected `unknownHosts` to be "refuse" or "passthrough", got "allow" (string)',
    )
  })
})
