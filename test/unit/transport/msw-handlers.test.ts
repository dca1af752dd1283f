import { http as mswHttp } from 'msw'
import { setupServer } from 'msw/node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answered, failed, type FailedReply, type NetworkFailure } from '../../../src/call/reply.ts'
import { scopes } from '../../../src/call/scope.ts'
import { mswHandlers } from '../../../src/transport/msw-handlers.ts'
import { clients, send } from '../../support/clients.ts'
import { errorShapes, shapeOfFailure } from '../../support/error-shapes.ts'
import { fakeDoor, type FakeDoor } from '../../support/fake-door.ts'
import { listen, mswMajor } from '../../support/own-msw.ts'

const server = setupServer()
let door: FakeDoor

beforeEach(() => {
  door = fakeDoor({ orders: 'http://orders', shop: 'https://shop.test:8443' })
  listen(server)
  server.use(...mswHandlers(door, { http: mswHttp }))
})
afterEach(() => {
  vi.restoreAllMocks()
  server.resetHandlers()
  server.close()
})

describe('handlers in a user’s own setupServer', () => {
  for (const url of ['http://orders/a?b=1', 'http://orders/', 'https://shop.test:8443/c'])
    for (const client of ['fetch', 'http.request', 'axios', 'got'] as const)
      test(`answer ${url} from the mesh: ${client}`, async () => {
        expect(JSON.parse(await clients[client](url))).toMatchObject({ method: 'GET', caller: 'app' })
        expect(door.received[0]).toMatchObject({ url, origin: 'msw', body: null })
      })

  test('pass on method, headers and body', async () => {
    await fetch('http://orders/', { method: 'PUT', headers: { 'x-a': '1' }, body: Uint8Array.of(1, 2, 3) })
    expect(door.received[0]).toMatchObject({ method: 'PUT', body: Uint8Array.of(1, 2, 3) })
    expect(door.received[0]!.headers).toContainEqual(['x-a', '1'])
  })

  test('speak as the service whose handler runs', async () => {
    const parent = { id: '1', hops: ['app', 'payments'], signal: new AbortController().signal }
    const trace = () => [['traceparent', '00-1-2-01']] as const
    await scopes.run({ door, service: 'payments', parent, trace }, () => fetch('http://orders/'))
    expect(door.received[0]).toMatchObject({ caller: 'payments', origin: 'handler', parent })
    expect(door.received[0]!.headers).toContainEqual(['traceparent', '00-1-2-01'])
  })

  test('give statuses without body, and cookies', async () => {
    door.answer = () => answered(204, { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }) // prettier-ignore
    const response = await fetch('http://orders/')
    expect([response.status, response.headers.getSetCookie()]).toEqual([204, ['a=1', 'b=2']])
  })

  test('give the mesh’s own decisions as 5xx that name them', async () => {
    door.answer = () => failed('circuit-open')
    const response = await fetch('http://orders/')
    expect([response.status, response.headers.get('x-mesh-outcome')]).toEqual([503, 'circuit-open'])
  })

  for (const outcome of ['refused', 'reset', 'closed', 'going-away', 'garbage'] as NetworkFailure[])
    for (const client of ['fetch', 'http.request', 'axios', 'got'] as const)
      test(`make ${outcome} the error of a socket: ${client}`, async () => {
        vi.spyOn(console, 'error').mockReturnValue()
        door.answer = () => failed(outcome)
        expect(await shapeOfFailure(clients[client]('http://orders/'))).toEqual(errorShapes[outcome][client])
      })

  for (const outcome of ['truncated', 'reset-mid-body', 'malformed'] as NetworkFailure[])
    describe(`let a body break half-way, ${outcome}`, () => {
      const partial = { status: 200, headers: [['x-a', '1']] as const, body: Buffer.from('half') }
      const lengths: Record<string, FailedReply> = {
        'of a length that was announced': failed(outcome, { partial: { ...partial, declaredLength: 9 } }),
        'of unknown length': failed(outcome, { partial }),
      }
      for (const [length, reply] of Object.entries(lengths)) {
        test(`${length}: fetch`, async () => {
          door.answer = () => reply
          const response = await fetch('http://orders/')
          expect([response.status, response.headers.get('x-a')]).toEqual([200, '1'])
          const shape = await shapeOfFailure(response.text())
          // MSW 3 closes the connection, whatever the body broke with.
          const cause = { name: 'SocketError', message: 'closed', code: 'UND_ERR_SOCKET' }
          expect(shape).toEqual(mswMajor === 2 ? errorShapes[outcome].fetch : { ...errorShapes[outcome].fetch, cause })
        })

        test(`${length}: http.request`, async () => {
          door.answer = () => reply
          expect(await shapeOfFailure(send('http://orders/'))).toEqual(errorShapes.truncated['http.request'])
        })
      }
    })

  test('let a call hang until its caller gives up', async () => {
    door.answer = () => failed('hung')
    const controller = new AbortController()
    const pending = fetch('http://orders/', { signal: controller.signal })
    while (door.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' })
  })
})
