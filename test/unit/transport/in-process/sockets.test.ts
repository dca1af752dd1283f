import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import tls from 'node:tls'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openInProcess } from '../../../../src/transport/in-process/open.ts'
import { fakeDoor, handClock, type FakeDoor } from '../../../support/fake-door.ts'

let clock: ReturnType<typeof handClock>
let door: FakeDoor
let opened: { close(): Promise<void> }

beforeEach(() => {
  clock = handClock()
  door = fakeDoor({ orders: 'http://orders', shop: 'https://orders.shop.test', six: 'http://[::1]:8080' }, clock)
  opened = openInProcess(door)
})
afterEach(async () => {
  await opened.close()
  expect(door.problems).toEqual([])
})

const request = 'GET /a HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n'

describe('a socket to the mesh is like one of Node', () => {
  test('from opening to closed', async () => {
    const socket = net.connect(80, 'orders')
    expect([socket.readyState, socket.connecting, socket.pending]).toEqual(['opening', true, true])
    await once(socket, 'connect')
    expect([socket.readyState, socket.connecting, socket.pending]).toEqual(['open', false, false])
    expect(socket.address()).toEqual({ address: '127.0.0.1', family: 'IPv4', port: socket.localPort })
    expect([socket.remoteAddress, socket.remotePort]).toEqual(['127.0.0.1', 80])
    socket.write(request)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(socket.readyState).toBe('closed')
  })

  test('that has said its last word reads on', async () => {
    const socket = net.connect(80, 'orders')
    socket.end()
    await once(socket, 'finish')
    expect(socket.readyState).toBe('readOnly')
    socket.resume()
    await once(socket, 'close')
    expect(socket.readyState).toBe('closed')
  })

  test('its options chain', () => {
    const socket = net.connect(80, 'orders')
    expect(socket.setNoDelay().setKeepAlive().ref().unref()).toBe(socket)
    socket.destroy()
  })

  test('its time-out may be set without a listener, moved by traffic and switched off', async () => {
    const socket = net.connect(80, 'orders')
    await once(socket, 'connect')
    let timeouts = 0
    const listener = () => timeouts++
    socket.setTimeout(100)
    socket.on('timeout', listener)
    clock.pass(60)
    socket.write('GET /a HTTP/1.1\r\n')
    clock.pass(60)
    expect(timeouts).toBe(0)
    clock.pass(40)
    expect(timeouts).toBe(1)
    socket.off('timeout', listener)
    socket.setTimeout(100, listener)
    socket.setTimeout(0, listener)
    clock.pass(1_000)
    expect(timeouts).toBe(1)
    socket.destroy()
  })

  test('an abort signal ends it', async () => {
    const gone = new AbortController()
    const socket = net.connect({ port: 80, host: 'orders', signal: gone.signal } as net.NetConnectOpts)
    const failed = once(socket, 'error')
    gone.abort()
    expect(await failed).toMatchObject([{ name: 'AbortError' }])
  })

  test('destroyed before it is open, it reaches nobody', async () => {
    const socket = net.connect(80, 'orders')
    socket.destroy()
    await once(socket, 'close')
    expect(door.received).toEqual([])
  })

  test('destroySoon sends what was written first', async () => {
    const socket = net.connect(80, 'orders')
    socket.write(request)
    // A method of Node's that is not in its types; agents call it.
    ;(socket as unknown as { destroySoon(): void }).destroySoon()
    await once(socket, 'close')
    expect(socket.destroyed).toBe(true)
  })

  test('resetAndDestroy ends the request under way', async () => {
    let signal: AbortSignal | undefined
    door.answer = (incoming) => {
      signal = incoming.signal
      return new Promise(() => {})
    }
    const socket = net.connect(80, 'orders').on('error', () => {})
    socket.write(request)
    while (!signal) await new Promise((resolve) => setImmediate(resolve))
    socket.resetAndDestroy()
    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.aborted).toBe(true)
  })
})

test('an encrypted one answers what clients ask of it', async () => {
  const socket = tls.connect(443, 'orders.shop.test')
  await once(socket, 'secureConnect')
  expect([socket.encrypted, socket.authorized, socket.getProtocol()]).toEqual([true, true, 'TLSv1.3'])
  expect(socket.getCipher().name).toMatch(/^TLS_/)
  expect(socket.getPeerCertificate()).toBeTypeOf('object')
  expect([socket.getSession(), socket.isSessionReused()]).toEqual([undefined, false])
  socket.destroy()
})

describe('connections that are nobody’s business', () => {
  test('a pipe', async () => {
    await expect(once(net.connect('/no/such/pipe'), 'error')).resolves.toMatchObject([{ code: 'ENOENT' }])
    const get = http.get({ socketPath: '/no/such/pipe', host: 'orders', path: '/' })
    await expect(once(get, 'error')).resolves.toMatchObject([{ code: 'ENOENT' }])
    expect(door.received).toEqual([])
  })

  test('what Node refuses, Node refuses', () => {
    expect(() => net.connect({} as net.NetConnectOpts)).toThrow(/"options" or "port" or "path"/)
  })
})

test('a host that is an IPv6 address is found', async () => {
  await new Promise((resolve, reject) =>
    http.get('http://[::1]:8080/a', (response) => response.resume().on('end', resolve)).on('error', reject),
  )
  expect(door.received).toMatchObject([{ callee: 'six', path: '/a' }])
})

test('a request for a whole URL, as a proxy gets it, keeps it', async () => {
  const get = http.get({ host: 'orders', path: 'http://orders/b' })
  const [response] = (await once(get, 'response')) as [http.IncomingMessage]
  response.resume()
  expect(door.received).toMatchObject([{ callee: 'orders' }])
})
