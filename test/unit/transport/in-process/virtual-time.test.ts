import http from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { answered, failed } from '../../../../src/call/reply.ts'
import { createRandom } from '../../../../src/random/random.ts'
import { currentWorld, simulate } from '../../../../src/time/simulate.ts'
import type { World } from '../../../../src/time/world.ts'
import { turns } from '../../../../src/time/turns.ts'
import { openInProcess } from '../../../../src/transport/in-process/open.ts'
import { clients, send, type ClientName } from '../../../support/clients.ts'
import { fakeDoor } from '../../../support/fake-door.ts'

const undos: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const undo of undos.splice(0)) await undo()
})

/** A mesh whose one service takes 30 virtual seconds, in the world of whoever asks. */
function open() {
  const door = fakeDoor({ orders: 'http://orders' })
  door.answer = async ({ path }) => {
    await currentWorld()!.clock.sleep(30_000)
    return answered(200, { text: path })
  }
  undos.push(openInProcess(door, { worldOf: currentWorld }).close)
  return door
}

const run = <T>(scenario: (world: World) => Promise<T>): Promise<T> => {
  let world!: World
  return simulate({ random: createRandom('1'), onWorld: (it) => (world = it) }, () => scenario(world))
}

describe('the clock stands still while bytes travel', () => {
  for (const client of Object.keys(clients) as ClientName[])
    test(`each call takes what the service takes, to the millisecond: ${client}`, async () => {
      open()
      const times = await run(async (world) => {
        const ended: number[] = []
        const chain = async () => {
          for (let i = 0; i < 3; i++) {
            await clients[client](`http://orders/${i}`)
            ended.push(world.elapsedMs)
          }
        }
        await Promise.all(Array.from({ length: 10 }, chain))
        return ended
      })
      expect(times).toEqual([30_000, 60_000, 90_000].flatMap((ms) => Array.from({ length: 10 }, () => ms)))
    })

  test('a time-out of the caller that is shorter goes first, one that is longer never fires', async () => {
    const door = open()
    const results = await run(async (world) => {
      const abort = (ms: number) =>
        fetch('http://orders/', { signal: AbortSignal.timeout(ms) }).then(
          async (response) => `${await response.text()} at ${world.elapsedMs}`,
          (error: Error) => `${error.name} at ${world.elapsedMs}`,
        )
      return Promise.all([abort(29_999), abort(30_001)])
    })
    expect(results).toEqual(['TimeoutError at 29999', '/ at 30000'])
    expect(door.received[0]!.signal!.aborted).toBe(true)
  })

  test('a request that waits for a socket of its agent does not stop the clock', async () => {
    open()
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const ended = await run(async (world) => {
      const ask = async () => {
        await send('http://orders/', { agent })
        return world.elapsedMs
      }
      return Promise.all([ask(), ask(), ask()])
    })
    expect(ended).toEqual([30_000, 60_000, 90_000])
    agent.destroy()
  })

  test('nor does a response that nobody reads, a call that hangs, or a stream that pauses', async () => {
    const door = open()
    const big = new Uint8Array(1 << 20)
    door.answer = ({ path }) => {
      if (path === '/big') return answered(200, { body: big })
      if (path === '/hung') return failed('hung')
      const { clock } = currentWorld()!
      const body = new ReadableStream({
        async pull(controller) {
          await clock.sleep(10_000)
          controller.enqueue(Buffer.from(`${clock.now()}`))
        },
      })
      return { outcome: 'answered', status: 200, headers: [], body }
    }
    await run(async (world) => {
      const unread = await fetch('http://orders/big')
      await world.clock.sleep(1_000)
      expect(world.elapsedMs).toBe(1_000)
      await unread.body!.cancel()
      const hung = fetch('http://orders/hung', { signal: AbortSignal.timeout(2_000) })
      await expect(hung).rejects.toThrow('timeout')
      expect(world.elapsedMs).toBe(3_000)
      const reader = (await fetch('http://orders/stream')).body!.getReader()
      for (const ms of [13_000, 23_000]) {
        await reader.read()
        expect(world.elapsedMs).toBe(ms)
      }
      await reader.cancel()
    })
  })

  test('a failure on the way arrives at the time at which it happened', async () => {
    const door = open()
    door.answer = async () => {
      await currentWorld()!.clock.sleep(5_000)
      return failed('reset')
    }
    await run(async (world) => {
      for (const ms of [5_000, 10_000]) {
        await expect(fetch('http://orders/')).rejects.toThrow('fetch failed')
        expect(world.elapsedMs).toBe(ms)
      }
    })
  })
})

describe('the hold on the clock', () => {
  for (const client of Object.keys(clients) as ClientName[])
    test(`is out from the request to the door, and from the reply until it is read: ${client}`, async () => {
      const events: string[] = []
      const world = {
        hold(kind: string) {
          events.push(`hold ${kind}`)
          return () => void events.push(`release ${kind}`)
        },
      }
      const door = fakeDoor({ orders: 'http://orders' })
      door.answer = async () => {
        events.push('door')
        await turns(100)
        return answered(200, { text: 'x'.repeat(200_000) })
      }
      undos.push(openInProcess(door, { worldOf: () => world }).close)
      const asked = clients[client]('http://orders/')
      expect((await asked).length).toBe(200_000)
      await turns(1)
      expect(events).toEqual(['hold request', 'release request', 'door', 'hold response', 'release response'])
    })
})

test('worlds side by side do not disturb each other', async () => {
  open()
  const each = (waitMs: number) =>
    run(async (world) => {
      await world.clock.sleep(waitMs)
      for (let i = 0; i < 20; i++) await clients.fetch('http://orders/')
      return world.elapsedMs
    })
  expect(await Promise.all([each(1), each(2), each(3)])).toEqual([600_001, 600_002, 600_003])
})

test('outside a world, after one, time is real again', async () => {
  const door = open()
  await run(() => clients.fetch('http://orders/'))
  door.answer = () => answered(200, { text: 'real' })
  for (const client of Object.values(clients)) expect(await client('http://orders/')).toBe('real')
})
