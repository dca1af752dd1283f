import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MeshError } from '../../../src/errors.ts'
import { createRandom } from '../../../src/random/random.ts'
import { currentWorld, simulate, type SimulateOptions, withReal } from '../../../src/time/simulate.ts'
import type { World } from '../../../src/time/world.ts'

const options = (more: Partial<SimulateOptions> = {}): SimulateOptions => ({ random: createRandom(1), ...more })

const never = () => new Promise<never>(() => {})

/** The error's message, which starts with its sentence and ends with its code. */
async function failure(run: Promise<unknown>): Promise<string> {
  const error: unknown = await run.then(
    () => expect.fail('the run succeeded'),
    (reason: unknown) => reason,
  )
  if (!MeshError.is(error)) throw error
  return error.message
}

describe('the order of a world', () => {
  test('is by time, then by order of issue, for any program of sleeps', async () => {
    const delay = fc.integer({ min: 0, max: 30 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(delay, delay), { maxLength: 40 }), async (program) => {
        const seen: { at: number; seq: number }[] = []
        const issued: { at: number; seq: number }[] = []
        let seq = 0
        await simulate(options(), async ({ sleep, now }) => {
          const step = async (ms: number) => {
            const me = { at: now() + ms, seq: ++seq }
            issued.push(me)
            await sleep(ms)
            expect(now()).toBe(me.at)
            seen.push(me)
          }
          await Promise.all(program.map(([first, second]) => step(first).then(() => step(second))))
        })
        expect(seen).toEqual([...issued].sort((a, b) => a.at - b.at || a.seq - b.seq))
      }),
      { numRuns: 40 },
    )
  })

  test('lets everything that a callback set off happen before the next callback', async () => {
    const seen: string[] = []
    await simulate(options(), async ({ sleep }) => {
      setTimeout(async () => {
        await Promise.resolve()
        process.nextTick(() => {
          setImmediate(() => setImmediate(() => seen.push('first, to the end')))
        })
      }, 10)
      setTimeout(() => seen.push('second'), 10)
      await sleep(10)
    })
    expect(seen).toEqual(['first, to the end', 'second'])
  })

  test('is the same with four worlds at once', async () => {
    const scenario = async ({ sleep, now }: { sleep(ms: number): Promise<void>; now(): number }) => {
      const log: string[] = []
      const worker = async (name: string) => {
        for (let i = 0; i < 20; i++) {
          await sleep(Math.floor(Math.random() * 10))
          if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
          log.push(`${now()} ${name} ${i} ${crypto.randomUUID()}`)
        }
      }
      await Promise.all(['a', 'b', 'c'].map(worker))
      return log.join('\n')
    }
    const alone = await simulate(options(), scenario)
    const together = await Promise.all([1, 2, 3, 4].map(() => simulate(options(), scenario)))
    expect(new Set([alone, ...together]).size).toBe(1)
    expect(await simulate(options({ random: createRandom(2) }), scenario)).not.toBe(alone)
  })

  test('costs little: 50,000 sleeps one after the other', async () => {
    const before = performance.now()
    const end = await simulate(options(), async ({ sleep, now }) => {
      for (let i = 0; i < 50_000; i++) await sleep(1)
      return now()
    })
    expect(end).toBe(50_000)
    expect(performance.now() - before).toBeLessThan(10_000)
  })
})

describe('the clock of a world', () => {
  test('is virtual, counts from startAt and keeps fractions', async () => {
    let world!: World
    await simulate(options({ startAt: 1_000, onWorld: (it) => (world = it) }), async ({ sleep, now }) => {
      await sleep(0.25)
      expect(now()).toBe(0.25)
      expect(Date.now()).toBe(1_000)
    })
    expect(world.clock.mode).toBe('virtual')
    expect(world.clock.now()).toBe(1_000.25)
  })

  test('has timers that can be undone, and sleeps that a signal ends', async () => {
    const seen: string[] = []
    await simulate(options(), async ({ now, sleep }) => {
      const { clock } = currentWorld()!
      clock.timer(10, () => seen.push('undone'))()
      clock.timer(Infinity, () => seen.push('never'))
      clock.timer(-5, () => seen.push(`at ${now()}`))
      const stop = new AbortController()
      const asleep = clock.sleep(1_000, stop.signal).then(() => seen.push(`woken at ${now()}`))
      await sleep(20)
      stop.abort()
      await asleep
    })
    expect(seen).toEqual(['at 0', 'woken at 20'])
  })

  test('sets off no timer once the run is over', async () => {
    let world!: World
    let fired = false
    await simulate(options({ onWorld: (it) => (world = it) }), () => {
      setTimeout(() => (fired = true), 1)
      setInterval(() => (fired = true), 1)
    })
    expect(world.pending).toBe(2)
    world.clock.timer(0, () => (fired = true))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect([fired, world.pending]).toEqual([false, 2])
  })
})

describe('a world that cannot go on', () => {
  test('fails at once, naming the open calls and what does not follow the clock', async () => {
    const message = await failure(
      simulate(options(), async ({ sleep }) => {
        const world = currentWorld()!
        await sleep(1_200)
        world.open.set('1', { label: 'orders->payments POST /charges', sinceMs: Date.now() })
        world.taint('a socket')
        await sleep(300)
        await never()
      }),
    )
    expect(message).toMatchInlineSnapshot(`
      "simulate: nothing is scheduled and the scenario has not finished (at 1.500 s of virtual time)
        orders->payments POST /charges open since 1.200 s
        Seen outside the virtual clock: a socket
        Something awaits what nobody is going to deliver. Real work inside goes through withReal().   [MESH_DEADLOCK]"
    `)
  })

  test('names a timer that was taken before the simulation began', async () => {
    const takenBefore = setTimeout
    let timer: NodeJS.Timeout | undefined
    const message = await failure(
      simulate(options(), () => new Promise((resolve) => (timer = takenBefore(resolve, 60_000)))),
    )
    clearTimeout(timer)
    expect(message).toContain('a timer inside Node, or of a setTimeout that was taken before the simulation began')
  })

  test('shows twenty open calls and counts the rest', async () => {
    const message = await failure(
      simulate(options(), () => {
        for (let i = 0; i < 23; i++) currentWorld()!.open.set(`${i}`, { label: `call ${i}`, sinceMs: Date.now() })
        return never()
      }),
    )
    expect(message).toContain('call 19 open')
    expect(message).not.toContain('call 20 open')
    expect(message).toContain('and 3 more open calls')
  })

  test('names the seed when chance took part', async () => {
    const message = await failure(
      simulate(options({ random: createRandom('abc') }), () => {
        Math.random()
        return never()
      }),
    )
    expect(message).toContain('Replay with MESHWRIGHT_SEED=abc   [MESH_DEADLOCK]')
  })

  test('fails with MESH_LIVELOCK for a loop without time, and the loop is dead', async () => {
    let rounds = 0
    const message = await failure(
      simulate(options({ maxTurns: 500 }), async () => {
        for (;;) {
          await new Promise((resolve) => setImmediate(resolve))
          rounds++
        }
      }),
    )
    expect(message).toMatchInlineSnapshot(`
      "simulate: still not finished after maxTurns: 500 (at 0.000 s of virtual time)
        Look for a loop that never ends, or raise maxTurns.   [MESH_LIVELOCK]"
    `)
    const roundsAtTheEnd = rounds
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(rounds).toBe(roundsAtTheEnd)
  })

  test('fails with MESH_TIME_LIMIT for a wait beyond maxVirtualMs', async () => {
    const message = await failure(
      simulate(options({ maxVirtualMs: 60_000 }), async ({ sleep }) => {
        await sleep(60_000)
        await sleep(1)
      }),
    )
    expect(message).toMatchInlineSnapshot(`
      "simulate: the next timer is due beyond maxVirtualMs: 60000 (at 60.000 s of virtual time)
        End the scenario earlier, clear the intervals it leaves behind, or raise maxVirtualMs.   [MESH_TIME_LIMIT]"
    `)
  })

  test('fails when held without progress for maxHoldMs', async () => {
    const message = await failure(
      simulate(options({ maxHoldMs: 20 }), async ({ sleep }) => {
        currentWorld()!.hold('a request to payments')
        await sleep(1)
      }),
    )
    expect(message).toMatchInlineSnapshot(`
      "simulate: held up by a request to payments, without progress for maxHoldMs: 20 (at 0.000 s of virtual time)
        The clock stands while a request or a reply is on its way; is a body left unread?   [MESH_LIMIT]"
    `)
  })

  test('fails when real I/O does not answer within maxRealIoMs', async () => {
    const message = await failure(
      simulate(options({ maxRealIoMs: 20 }), async () => currentWorld()!.track('a database', never)),
    )
    expect(message).toMatchInlineSnapshot(`
      "simulate: real I/O has not answered within maxRealIoMs: 20 (at 0.000 s of virtual time)
        Seen outside the virtual clock: real I/O (a database)
        The clock stands while real I/O of the scenario is under way.   [MESH_LIMIT]"
    `)
  })

  test.each([{ maxTurns: 0 }, { maxVirtualMs: -1 }, { startAt: Number.NaN }])('refuses %o', async (wrong) => {
    expect(await failure(simulate(options(wrong), () => {}))).toContain('[MESH_INVALID_OPTION]')
  })
})

describe('errors in a world', () => {
  test("of the scenario are the run's", async () => {
    await expect(simulate(options(), () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    await expect(
      simulate(options(), () => {
        throw new Error('mine')
      }),
    ).rejects.toThrow('mine')
  })

  test('of a timer and of an immediate fail the run', async () => {
    await expect(
      simulate(options(), ({ sleep }) => {
        setTimeout(() => {
          throw new Error('in a timer')
        }, 5)
        return sleep(10)
      }),
    ).rejects.toThrow('in a timer')
    await expect(
      simulate(options(), ({ sleep }) => {
        setImmediate(() => {
          throw undefined
        })
        return sleep(10)
      }),
    ).rejects.toBeUndefined()
  })
})

describe('a world and the outside', () => {
  test('holds the clock until released', async () => {
    await simulate(options(), async ({ sleep, now }) => {
      const release = currentWorld()!.hold('a request')
      const asleep = sleep(1)
      await withReal(() => new Promise((resolve) => setTimeout(resolve, 5)))
      expect(now()).toBe(0)
      release()
      await asleep
      expect(now()).toBe(1)
    })
  })

  test('waits for work that it tracks, and gives its result or its error', async () => {
    await simulate(options(), async ({ now }) => {
      const world = currentWorld()!
      const real = (ms: number) => withReal(() => new Promise((resolve) => setTimeout(resolve, ms)))
      const timeout = AbortSignal.timeout(1)
      expect(await world.track('work', () => real(10).then(() => 'done'))).toBe('done')
      await expect(world.track('work', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
      expect([timeout.aborted, now()]).toEqual([false, 0])
    })
  })

  test('lets withReal see real time, and waits for it', async () => {
    await simulate(options({ startAt: 0 }), async ({ now }) => {
      expect(withReal(() => Date.now())).toBeGreaterThan(1_000_000)
      expect(withReal(() => currentWorld())).toBeUndefined()
      const before = withReal(() => performance.now())
      await withReal(() => new Promise((resolve) => setTimeout(resolve, 20)))
      expect(withReal(() => performance.now()) - before).toBeGreaterThan(15)
      expect([now(), Date.now()]).toEqual([0, 0])
    })
  })

  test('is not nested', async () => {
    const message = await failure(simulate(options(), () => simulate(options(), () => {})))
    expect(message).toMatchInlineSnapshot(`
      "simulate() inside simulate()
        Run simulations one after the other, or side by side from outside.   [MESH_UNSUPPORTED]"
    `)
  })

  test('runs once', async () => {
    let world!: World
    await simulate(options({ onWorld: (it) => (world = it) }), () => {})
    expect(await failure(world.run(() => {}))).toContain('a world runs only once')
  })

  test('is current for the scenario only, and only while it runs', async () => {
    expect(currentWorld()).toBeUndefined()
    let later: () => unknown = () => 'not set'
    await simulate(options(), () => {
      expect(currentWorld()).toBeDefined()
      const { AsyncResource } = process.getBuiltinModule('node:async_hooks')
      later = AsyncResource.bind(currentWorld)
      expect(later()).toBeDefined()
    })
    expect(later()).toBeUndefined()
    expect(currentWorld()).toBeUndefined()
  })
})
