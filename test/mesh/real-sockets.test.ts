import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defineMesh, http, HttpResponse } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { meshes } from '../support/meshes.ts'

const run = promisify(execFile)
const start = meshes()
const shop = defineMesh({
  name: 'shop',
  services: {
    app: { underTest: true, calls: { orders: {} } },
    orders: {
      url: 'https://orders.shop.test',
      handlers: [
        http.get('/items/:id', ({ params }) => HttpResponse.json({ id: params['id'] })),
        http.post('/echo', async ({ request: received }) => new HttpResponse(await received.arrayBuffer())),
      ],
    },
  },
})

const has = (program: string, ...args: string[]) => {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const secureUrl = (mesh: Mesh) => mesh.url('orders', { protocol: 'https' })

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'real-sockets-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

describe('one port', () => {
  test('has an address for each protocol', async () => {
    const mesh = await start(shop)
    expect(secureUrl(mesh)).toBe(mesh.url('orders').replace('http:', 'https:'))
    const opened = await mesh.listen({ from: 'app', to: 'orders', protocol: 'https' })
    expect(opened).toBe(secureUrl(mesh))
  })

  test('stays open when another one, which is taken, is asked for in its place', async () => {
    const mesh = await start(shop)
    const url = mesh.url('orders')
    const proxy = mesh.proxy('app')
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    await expect(mesh.listen({ from: 'app', to: 'orders', port })).rejects.toThrow('MESH_PORT_TAKEN')
    await expect(mesh.listen({ from: 'app', port })).rejects.toThrow('MESH_PORT_TAKEN')
    expect([mesh.url('orders'), mesh.proxy('app')]).toEqual([url, proxy])
    expect((await request(`${url}/items/7`)).statusCode).toBe(200)
    await new Promise((closed) => taken.close(closed))
    expect(await mesh.listen({ from: 'app', to: 'orders', port })).toBe(`http://127.0.0.1:${port}`)
    await expect(request(`${url}/items/7`)).rejects.toThrow('ECONNREFUSED')
    await mesh.stop()
    await expect(request(`http://127.0.0.1:${port}/items/7`)).rejects.toThrow('ECONNREFUSED')
  })

  test('takes no protocol that is not there', async () => {
    const mesh = await start(shop)
    const wrong = { protocol: 'ftp' as 'http' }
    expect(() => mesh.url('orders', wrong)).toThrow('mesh.url: expected `protocol` to be "http" or "https", got "ftp"')
    await expect(mesh.listen({ from: 'app', to: 'orders', ...wrong })).rejects.toThrow(
      'mesh.listen: expected `protocol`',
    )
  })

  test('speaks HTTP/1.1 and HTTP/2 with undici, with and without TLS', async () => {
    const mesh = await start(shop, { transport: 'listeners' })
    const agent = new Agent({ allowH2: true, connect: { ca: mesh.authority.certificate } })
    for (const url of [mesh.url('orders'), secureUrl(mesh)]) {
      const { body } = await request(`${url}/items/7`, { dispatcher: agent })
      expect(await body.json()).toEqual({ id: '7' })
    }
    expect(mesh.edge('app->orders')).toMatchObject({ calls: { length: 2 } })
    await agent.close()
  })

  test('belongs to its edge, whatever host is asked for', async () => {
    const mesh = await start(shop, { transport: 'listeners' })
    const { statusCode, body } = await request(`${mesh.url('orders')}/items/7`, { headers: { host: 'elsewhere.test' } })
    await body.dump()
    expect(statusCode).toBe(200)
    expect(mesh.edge('app->orders').calls).toHaveLength(1)
  })
})

// RFC 9110, 10.1.1: its letters are of either case. Node knows the lower one alone, and Java writes another.
test.each([
  ['100-continue', true],
  ['100-Continue', true],
  ['something-else', false],
])('a stream of HTTP/2 that expects %s gets its answer, and no 417', async (expectation, isContinued) => {
  const mesh = await start(shop)
  const session = connect(mesh.url('orders'))
  const stream = session.request({ ':method': 'POST', ':path': '/echo', expect: expectation })
  let continued = false
  stream.on('continue', () => (continued = true))
  stream.end('hello')
  const [headers] = await once(stream, 'response')
  expect([headers[':status'], (await stream.setEncoding('utf8').toArray()).join(''), continued]).toEqual([
    200,
    'hello',
    isContinued,
  ])
  session.close()
})

test('a process of Node trusts the mesh with NODE_EXTRA_CA_CERTS', async () => {
  const mesh = await start(shop)
  const script = `const r = await fetch('${secureUrl(mesh)}/items/7'); console.log(await r.text())`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: mesh.authority.file },
  })
  expect(stdout.trim()).toBe('{"id":"7"}')
})

describe.runIf(has('curl', '--version'))('curl, if it is installed,', () => {
  const curl = async (...args: string[]) => {
    const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code} %{http_version}', ...args])
    return stdout
  }

  test.each([
    ['--http1.1', 'http', '1.1'],
    ['--http2', 'http', '1.1'],
    ['--http2-prior-knowledge', 'http', '2'],
    ['--http1.1', 'https', '1.1'],
    ['--http2', 'https', '2'],
  ] as const)('with %s over %s speaks HTTP/%s', async (option, protocol, version) => {
    const mesh = await start(shop)
    const url = `${mesh.url('orders', { protocol })}/items/7`
    expect(await curl(option, '--cacert', mesh.authority.file, url)).toBe(`{"id":"7"}\n200 ${version}`)
  })

  test('reaches a port by the name of the service, and finds a certificate for it', async () => {
    const mesh = await start(shop)
    const { port } = new URL(mesh.url('orders'))
    const there = ['--resolve', `orders.shop.test:${port}:127.0.0.1`, '--cacert', mesh.authority.file]
    expect(await curl(...there, `https://orders.shop.test:${port}/items/7`)).toContain('200')
  })

  test.each(['--http1.1', '--http2-prior-knowledge'])('with %s sends 10 MB and gets them back', async (option) => {
    const mesh = await start(shop)
    const [sent, received] = [join(directory, 'sent'), join(directory, 'received')]
    writeFileSync(sent, Buffer.alloc(10_000_000, 'meshwright'))
    await curl(option, '--data-binary', `@${sent}`, '-o', received, `${mesh.url('orders')}/echo`)
    expect(readFileSync(received).equals(readFileSync(sent))).toBe(true)
  })
})

test.runIf(has('python3', '-c', 'import ssl'))('Python, if it is installed, verifies strictly', async () => {
  const mesh = await start(shop)
  const script = `
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
print(urllib.request.urlopen(sys.argv[2], context=context).read().decode())
`
  const { stdout } = await run('python3', ['-c', script, mesh.authority.file, `${secureUrl(mesh)}/items/7`])
  expect(stdout.trim()).toBe('{"id":"7"}')
})

test.runIf(has('h2load', '--version'))('h2load, if it is installed, gets every answer of many streams', async () => {
  const mesh = await start(shop)
  for (const url of [mesh.url('orders'), secureUrl(mesh)]) {
    const { stdout } = await run('h2load', ['-n', '400', '-c', '2', '-m', '50', `${url}/items/7`])
    expect(stdout).toContain('400 succeeded, 0 failed, 0 errored')
  }
  expect(mesh.edge('app->orders').calls).toHaveLength(800)
})

describe('MESHWRIGHT_CA', () => {
  test('that cannot be read ends the start of a mesh with its reason', async () => {
    process.env['MESHWRIGHT_CA'] = join(directory, 'nowhere.pem')
    try {
      await expect(start(shop)).rejects.toThrow(/MESHWRIGHT_CA: cannot use ".*nowhere.pem".*ENOENT/)
    } finally {
      delete process.env['MESHWRIGHT_CA']
    }
  })
})
