import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { headerList, type Call } from '../../../src/call/call.ts'
import { answered, failed, type FailureOutcome } from '../../../src/call/reply.ts'
import { createAuthority } from '../../../src/transport/authority.ts'
import { openListener, type Listener } from '../../../src/transport/listener.ts'
import { createUpstreams } from '../../../src/transport/upstream.ts'
import type { Upstreams } from '../../../src/transport/upstream.ts'
import { fakeDoor, type FakeDoor } from '../../support/fake-door.ts'

let door: FakeDoor
let real: Listener
let upstreams: Upstreams
const forward: Upstreams['forward'] = (to, sent) => upstreams.forward(to, sent)

beforeEach(async () => {
  upstreams = createUpstreams()
  door = fakeDoor({ orders: 'http://orders' })
  real = await openListener(door, { caller: 'mesh', callee: 'orders' })
})
afterEach(async () => {
  upstreams.close()
  await real.close()
})

const call = (changes: Partial<Call> = {}): Call => ({
  id: '1',
  caller: 'app',
  callee: 'orders',
  edge: 'app->orders',
  mode: 'sync',
  origin: 'in-process',
  method: 'GET',
  path: '/items?a=1',
  url: 'http://orders/items?a=1',
  headers: [],
  body: null,
  attempt: 0,
  nth: 1,
  hops: ['app', 'orders'],
  signal: new AbortController().signal,
  ...changes,
})

const textOf = async (reply: Awaited<ReturnType<typeof forward>>) =>
  reply.outcome === 'answered' ? new Response(reply.body as BodyInit).text() : reply.outcome

describe('forward', () => {
  test('sends method, path below the base, headers and body, and gives the answer', async () => {
    door.answer = () => answered(201, { text: 'made', headers: headerList([['set-cookie', 'a=1'], ['set-cookie', 'b=2']]) }) // prettier-ignore
    const headers = headerList([['x-a', '1'], ['x-a', '2'], ['host', 'orders'], ['connection', 'close']]) // prettier-ignore
    const reply = await forward(`${real.url}/base/`, call({ method: 'POST', headers, body: Buffer.from('hi') }))
    expect(reply).toMatchObject({ outcome: 'answered', status: 201 })
    expect(await textOf(reply)).toBe('made')
    expect(reply).toHaveProperty('headers', expect.arrayContaining([['set-cookie', 'a=1'], ['set-cookie', 'b=2']])) // prettier-ignore
    const [received] = door.received
    expect(received).toMatchObject({ method: 'POST', path: '/base/items?a=1' })
    expect(received!.headers.filter(([name]) => name === 'x-a')).toEqual([['x-a', '1'], ['x-a', '2']]) // prettier-ignore
    expect(received!.headers).toContainEqual(['host', `127.0.0.1:${real.port}`])
    expect(Buffer.from(received!.body!).toString()).toBe('hi')
  })

  test('gives no body for HEAD', async () => {
    expect(await forward(real.url, call({ method: 'HEAD' }))).toMatchObject({ outcome: 'answered', body: null })
  })

  for (const outcome of ['reset', 'closed'] satisfies FailureOutcome[])
    test(`gives ${outcome} for what it is`, async () => {
      door.answer = () => failed(outcome)
      expect(await forward(real.url, call())).toMatchObject({ outcome })
    })

  test('gives refused where nothing listens', async () => {
    await real.close()
    expect(await forward(real.url, call())).toMatchObject({
      outcome: 'refused',
      message: `${real.url}: connect ECONNREFUSED 127.0.0.1:${real.port}`,
    })
  })

  test('ends with its call', async () => {
    door.answer = () => failed('hung')
    const controller = new AbortController()
    const pending = forward(real.url, call({ signal: controller.signal }))
    while (door.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    expect(await pending).toMatchObject({ outcome: 'aborted' })
    expect(await forward(real.url, call({ signal: controller.signal }))).toMatchObject({ outcome: 'aborted' })
  })

  test('gives refused for a certificate that nobody vouches for, and says what to do', async () => {
    const authority = await createAuthority()
    const secure = createServer(authority.credentialsFor('127.0.0.1'), (_, response) => void response.end())
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
    const reply = await forward(`https://127.0.0.1:${(secure.address() as AddressInfo).port}`, call())
    expect(reply).toMatchObject({ outcome: 'refused', message: expect.stringContaining('NODE_EXTRA_CA_CERTS=') })
    secure.closeAllConnections()
    await new Promise((resolve) => secure.close(resolve))
  })
})
