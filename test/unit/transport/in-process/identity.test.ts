import http from 'node:http'
import { request as undiciRequest } from 'undici'
import { afterEach, describe, expect, test } from 'vitest'
import { failed } from '../../../../src/call/reply.ts'
import { scopes, type Scope } from '../../../../src/call/scope.ts'
import { turns } from '../../../../src/time/turns.ts'
import { openInProcess } from '../../../../src/transport/in-process/open.ts'
import { clients, send, type ClientName } from '../../../support/clients.ts'
import { fakeDoor, type FakeDoor } from '../../../support/fake-door.ts'

const undos: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const undo of undos.splice(0).reverse()) await undo()
})

function open(services: Record<string, string> = { orders: 'http://orders' }): FakeDoor & { close(): Promise<void> } {
  const door = fakeDoor(services)
  const { close } = openInProcess(door)
  undos.push(close)
  return Object.assign(door, { close })
}

const inScope = <T>(scope: Scope, work: () => T): T => scopes.run(scope, work)
const parent = { id: '7', hops: ['app', 'orders'], signal: new AbortController().signal }

describe('who asks', () => {
  test('outside any scope it is the default caller of the mesh opened last', async () => {
    open()
    const second = open()
    expect(JSON.parse(await clients.fetch('http://orders/'))).toMatchObject({ door: second.id, caller: 'app' })
    await second.close()
    expect(JSON.parse(await clients.fetch('http://orders/'))).not.toMatchObject({ door: second.id })
  })

  for (const client of Object.keys(clients) as ClientName[])
    test(`in a handler it is the handler’s service, on behalf of its call: ${client}`, async () => {
      const door = open()
      open()
      const trace = () => [['traceparent', '00-ab-cd-01']] as const
      await inScope({ door, service: 'payments', parent, trace }, () => clients[client]('http://orders/'))
      expect(door.received[0]).toMatchObject({ caller: 'payments', origin: 'handler', parent })
      expect(door.received[0]!.headers).toContainEqual(['traceparent', '00-ab-cd-01'])
    })

  test('a traceparent that the code sends itself is left alone', async () => {
    const door = open()
    const trace = () => [['traceparent', 'ours']] as const
    const headers = { traceparent: 'theirs' }
    await inScope({ door, service: 'payments', trace }, () => fetch('http://orders/', { headers }))
    expect(door.received[0]!.headers.filter(([name]) => name === 'traceparent')).toEqual([['traceparent', 'theirs']])
  })

  test('a host that the scope’s mesh lacks belongs to the mesh that has it', async () => {
    const door = open({ orders: 'http://orders' })
    const other = open({ stock: 'http://stock' })
    await inScope({ door, service: 'payments', parent }, () => fetch('http://stock/'))
    expect(other.received[0]).toMatchObject({ caller: 'app', origin: 'in-process' })
    expect(other.received[0]!.parent).toBeUndefined()
  })

  test('code whose mesh has stopped is refused, whatever other mesh has the host', async () => {
    const door = open()
    const next = open()
    await clients['http.request']('http://orders/')
    door.stopped = true
    for (const client of ['fetch', 'http.request'] as const)
      await expect(inScope({ door }, () => clients[client]('http://orders/'))).rejects.toThrow()
    expect(next.received).toHaveLength(1)
  })

  test('headers given as an array cannot be added to; the connection says who asks', async () => {
    const [first, second] = [open(), open()]
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const ask = (door: FakeDoor) =>
      inScope({ door, service: door.id }, () => send('http://orders/', { agent, headers: ['host', 'orders'] }))
    for (const door of [first, second, first]) expect(JSON.parse(String((await ask(door)).body)).door).toBe(door.id)
    agent.destroy()
  })

  test('requests that wait for a socket of their agent keep their scope', async () => {
    const doors = [open(), open()]
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const asked = Array.from({ length: 10 }, (_, i) => {
      const door = doors[i % 2]!
      return inScope({ door, service: `s${i}` }, () => send('http://orders/', { agent }))
    })
    for (const [i, answer] of (await Promise.all(asked)).entries())
      expect(JSON.parse(String(answer.body))).toMatchObject({ door: doors[i % 2]!.id, caller: `s${i}` })
    agent.destroy()
  })
})

describe('200 requests at once, from two meshes with the same hosts', () => {
  const ways: Record<string, (url: string) => Promise<unknown>> = {
    fetch: async (url) => (await fetch(url)).json(),
    'http.request': async (url) => JSON.parse(String((await send(url)).body)),
    'undici.request': async (url) => (await undiciRequest(url)).body.json(),
  }
  for (const [name, ask] of Object.entries(ways))
    test(`never mix: ${name}`, async () => {
      const doors = [open(), open()]
      const each = async (i: number) => {
        // The later rounds run on connections that the other mesh's requests opened.
        for (const round of [0, 1, 2]) {
          await turns(3)
          const door = doors[(i + round) % 2]!
          const answer = await inScope({ door, service: `s${i}`, parent }, () => ask(`http://orders/${i}/${round}`))
          expect(answer).toMatchObject({ path: `/${i}/${round}`, door: door.id, caller: `s${i}` })
        }
      }
      await Promise.all(Array.from({ length: 200 }, (_, i) => each(i)))
      expect(doors.map(({ received }) => received.length)).toEqual([300, 300])
    })
})

describe('a mesh that is taken out', () => {
  test('ends the requests that it was answering and nobody else’s', async () => {
    const door = open()
    const other = open()
    let arrived = 0
    const both = new Promise<void>((resolve) => {
      const answer = () => {
        if (++arrived === 2) resolve()
        return failed('hung')
      }
      door.answer = answer
      other.answer = answer
    })
    const mine = inScope({ door }, () => fetch('http://orders/')).catch((error: Error) => error)
    const theirs = inScope({ door: other }, () => fetch('http://orders/')).catch(() => 'ended')
    await both
    await door.close()
    expect(await mine).toMatchObject({ cause: { message: 'other side closed' } })
    expect(await Promise.race([theirs, 'still waiting'])).toBe('still waiting')
    await other.close()
    expect(await theirs).toBe('ended')
  })

  test('leaves no connection behind that a pool would use again', async () => {
    const agent = new http.Agent({ keepAlive: true })
    for (let i = 0; i < 3; i++) {
      const door = open()
      for (const ask of [() => fetch('http://orders/'), () => send('http://orders/', { agent })]) await ask()
      expect(door.received).toHaveLength(2)
      await door.close()
    }
    expect(Object.keys(agent.freeSockets)).toEqual([])
  })
})
