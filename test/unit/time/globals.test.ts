import nodeCrypto, { randomBytes } from 'node:crypto'
import { hrtime } from 'node:process'
import timers, { setTimeout as namedSetTimeout } from 'node:timers'
import timersPromises, { scheduler, setInterval as ticks, setTimeout as nap } from 'node:timers/promises'
import { promisify } from 'node:util'
import vm from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { createRandom } from '../../../src/random/random.ts'
import { installVirtualTime } from '../../../src/time/globals.ts'
import { simulate, type SimulateOptions, type SimulateTools } from '../../../src/time/simulate.ts'

const run = <T>(scenario: (tools: SimulateTools) => T | Promise<T>, more: Partial<SimulateOptions> = {}) =>
  simulate({ random: createRandom(1), ...more }, scenario)

describe('timers in a world', () => {
  test('follow Node in what a delay is', async () => {
    const times = await run(
      async ({ now, sleep }) => {
        const times: Record<string, number> = {}
        for (const ms of [0, -3, 1.9, 2 ** 31, 2 ** 31 - 1 - 2 ** 30, '25', undefined, Number.NaN, Infinity])
          setTimeout(() => (times[String(ms)] = now()), ms as number)
        await sleep(2 ** 31)
        return times
      },
      { maxVirtualMs: 2 ** 32 },
    )
    expect(times).toEqual({
      '0': 1,
      '-3': 1,
      '1.9': 1,
      '2147483648': 1,
      [String(2 ** 30 - 1)]: 2 ** 30 - 1,
      '25': 25,
      undefined: 1,
      NaN: 1,
      Infinity: 1,
    })
  })

  test('pass arguments, and the timer as this', async () => {
    await run(async ({ sleep }) => {
      const seen: unknown[] = []
      const timer = setTimeout(
        function (this: unknown, ...args: unknown[]) {
          seen.push(this, ...args)
        },
        1,
        'a',
        2,
      )
      await sleep(1)
      expect(seen).toEqual([timer, 'a', 2])
    })
  })

  test('repeat until cleared, from inside too', async () => {
    const seen = await run(async ({ now, sleep }) => {
      const seen: number[] = []
      const timer = setInterval(() => {
        seen.push(now())
        if (seen.length === 3) clearInterval(timer)
      }, 10)
      await sleep(100)
      return seen
    })
    expect(seen).toEqual([10, 20, 30])
  })

  test('queue an interval again after its callback, as Node does', async () => {
    const seen = await run(async ({ sleep }) => {
      const seen: string[] = []
      const timer = setInterval(() => {
        seen.push('interval')
        setTimeout(() => seen.push('timeout'), 10)
      }, 10)
      await sleep(25)
      clearInterval(timer)
      return seen
    })
    expect(seen).toEqual(['interval', 'timeout', 'interval'])
  })

  test('are cleared by handle, by number, by string, by dispose and by close', async () => {
    await run(async ({ sleep }) => {
      const fail = () => {
        throw new Error('fired')
      }
      clearTimeout(setTimeout(fail, 1))
      clearInterval(setTimeout(fail, 1))
      clearTimeout(+setTimeout(fail, 1))
      clearTimeout(String(+setTimeout(fail, 1)))
      setTimeout(fail, 1)[Symbol.dispose]()
      setTimeout(fail, 1).close()
      clearImmediate(setImmediate(fail))
      clearTimeout(undefined)
      clearTimeout(123_456_789)
      const timer = setTimeout(() => {}, 1)
      expect([+timer, +timer - +setTimeout(() => {}, 1)]).toEqual([+timer, -1])
      await sleep(5)
    })
  })

  test('start anew on refresh, also after firing, never after close', async () => {
    const seen = await run(async ({ now, sleep }) => {
      const seen: number[] = []
      const timer = setTimeout(() => seen.push(now()), 10)
      await sleep(6)
      expect(timer.refresh()).toBe(timer)
      await sleep(14)
      timer.refresh()
      await sleep(20)
      timer.close()
      timer.refresh()
      await sleep(20)
      return seen
    })
    expect(seen).toEqual([16, 30])
  })

  test('remember ref and unref, and fire all the same', async () => {
    await run(async ({ sleep }) => {
      let fired = false
      const timer = setTimeout(() => (fired = true), 1)
      expect(timer.hasRef()).toBe(true)
      expect(timer.unref().hasRef()).toBe(false)
      expect(timer.ref().hasRef()).toBe(true)
      timer.unref()
      await sleep(1)
      expect(fired).toBe(true)
    })
  })

  test('tick for real when something that outlives the world refreshes one', async () => {
    let fired = 0
    const timer = await run(() => setTimeout(() => fired++, 1))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(fired).toBe(0)
    timer.refresh()
    await vi.waitFor(() => expect(fired).toBe(1))
    timer.refresh().close()
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(fired).toBe(1)
  })

  test("refuse what is no function, with Node's code", async () => {
    await run(() => {
      expect(() => setTimeout({} as never, 1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
    })
  })

  test('are virtual under every name', async () => {
    const end = await run(async ({ now }) => {
      await new Promise((resolve) => timers.setTimeout(resolve, 1_000))
      await new Promise((resolve) => namedSetTimeout(resolve, 1_000))
      await nap(1_000)
      await timersPromises.setTimeout(1_000)
      await scheduler.wait(1_000)
      await promisify(setTimeout)(1_000)
      await promisify(setImmediate)()
      expect(await promisify(timers.setTimeout)(1_000, 'value')).toBe('value')
      return now()
    })
    expect(end).toBe(7_000)
  })
})

describe('node:timers/promises in a world', () => {
  test('rejects as Node does when the signal aborts', async () => {
    await run(async ({ sleep, now }) => {
      const stop = new AbortController()
      const wait = expect(nap(1_000, undefined, { signal: stop.signal })).rejects.toMatchObject({
        name: 'AbortError',
        code: 'ABORT_ERR',
        cause: 'enough',
      })
      await sleep(5)
      stop.abort('enough')
      await wait
      await expect(nap(1_000, undefined, { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORT_ERR' })
      await expect(scheduler.wait(1_000, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
        code: 'ABORT_ERR',
      })
      await expect(timersPromises.setImmediate(1, { signal: stop.signal })).rejects.toMatchObject({ code: 'ABORT_ERR' })
      expect(await timersPromises.setImmediate('turned')).toBe('turned')
      expect(now()).toBe(25)
    })
  })

  test('ticks on, keeps the ticks of a slow consumer, and ends by break or signal', async () => {
    await run(async ({ sleep, now }) => {
      const seen: unknown[] = []
      for await (const value of ticks(10, 'tick')) {
        seen.push(`${String(value)} ${now()}`)
        if (seen.length === 1) await sleep(25)
        if (seen.length === 4) break
      }
      expect(seen).toEqual(['tick 10', 'tick 35', 'tick 35', 'tick 40'])
      await expect(async () => {
        for await (const _ of ticks(10, 0, { signal: AbortSignal.timeout(35) })) seen.push(now())
      }).rejects.toMatchObject({ name: 'AbortError' })
      expect(seen.slice(4)).toEqual([50, 60, 70])
    })
  })
})

describe('AbortSignal.timeout in a world', () => {
  test('aborts in virtual time with a TimeoutError', async () => {
    await run(async ({ sleep }) => {
      const signal = AbortSignal.timeout(30_000)
      await sleep(29_999)
      expect(signal.aborted).toBe(false)
      await sleep(1)
      expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
      expect(signal).toBeInstanceOf(AbortSignal)
      expect(() => AbortSignal.timeout(-1)).toThrow(RangeError)
    })
  })
})

describe('dates and counters in a world', () => {
  test('begin on 1 January 2025, or at startAt', async () => {
    expect(await run(() => new Date().toISOString())).toBe('2025-01-01T00:00:00.000Z')
    expect(await run(() => Date.now(), { startAt: 5 })).toBe(5)
  })

  test('move together, whatever the name', async () => {
    await run(async ({ sleep }) => {
      const before = process.hrtime()
      const bigBefore = hrtime.bigint()
      await sleep(1_500)
      expect(Date.now()).toBe(Date.UTC(2025, 0, 1) + 1_500)
      expect(new Date().getTime()).toBe(Date.now())
      expect(Date()).toBe(new Date().toString())
      expect(performance.now()).toBe(1_500)
      expect(performance.timeOrigin + performance.now()).toBe(Date.now())
      expect(process.hrtime(before)).toEqual([1, 500_000_000])
      expect(hrtime([0, 600_000_000])).toEqual([0, 900_000_000])
      expect(process.hrtime([2, 0])).toEqual([-1, 500_000_000])
      expect(process.hrtime.bigint() - bigBefore).toBe(1_500_000_000n)
    })
  })

  test('keep a Date a Date', async () => {
    await run(() => {
      const date = new Date()
      expect(date).toBeInstanceOf(Date)
      expect(date.constructor).toBe(Date)
      expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z')
      expect(new Date(2020, 1, 3).getDate()).toBe(3)
      expect([Date.UTC(1970, 0, 2), Date.parse('1970-01-01'), Date.length, Date.name]).toEqual([
        86_400_000,
        0,
        7,
        'Date',
      ])
      class Birthday extends Date {}
      expect(new Birthday()).toBeInstanceOf(Birthday)
      expect(new Birthday().getTime()).toBe(Date.now())
    })
  })
})

describe('chance in a world', () => {
  const draw = () => {
    const values = new Uint32Array(3)
    crypto.getRandomValues(values)
    return [
      Math.random(),
      crypto.randomUUID(),
      nodeCrypto.randomUUID(),
      [...values],
      randomBytes(7).toString('hex'),
      nodeCrypto.randomInt(10),
      nodeCrypto.randomInt(5, 6),
      nodeCrypto.randomFillSync(Buffer.alloc(6), 2, 3).toString('hex'),
    ]
  }

  test('comes from the seed', async () => {
    const first = await run(draw)
    expect(await run(draw)).toEqual(first)
    expect(await run(draw, { random: createRandom(2) })).not.toEqual(first)
    expect(first[1]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(first[6]).toBe(5)
    expect(first[7]).toMatch(/^0000[0-9a-f]{6}00$/)
  })

  test('goes on from simulation to simulation with the same Random, so that identities do not repeat', async () => {
    const random = createRandom(1)
    const id = () => run(() => crypto.randomUUID(), { random })
    expect(await id()).not.toBe(await id())
  })

  test('answers callbacks, and leaves wrong arguments to Node', async () => {
    await run(async () => {
      expect(await promisify(nodeCrypto.randomBytes)(4)).toHaveLength(4)
      expect(await new Promise((resolve) => nodeCrypto.randomInt(7, 8, (_, n) => resolve(n)))).toBe(7)
      expect(() => randomBytes(-1)).toThrow(RangeError)
      expect(() => nodeCrypto.randomInt(3, 2)).toThrow(RangeError)
      expect(() => nodeCrypto.randomFillSync(Buffer.alloc(2), 1, 5)).toThrow(RangeError)
      expect(() => crypto.getRandomValues(new Float64Array(1) as never)).toThrow(/Type/)
    })
  })
})

describe('outside a world', () => {
  /** The property descriptors of every global that a simulation patches, by reference. */
  const own = () => {
    const places: [object, string][] = [
      [timersPromises.scheduler, 'wait'],
      [AbortSignal, 'timeout'],
      [performance, 'now'],
      [performance, 'timeOrigin'],
      [process, 'hrtime'],
      [Math, 'random'],
      [Date, 'now'],
      [Date.prototype, 'constructor'],
      [globalThis, 'Date'],
    ]
    for (const on of [globalThis, timers, timersPromises])
      for (const key of ['Timeout', 'Interval', 'Immediate']) places.push([on, `set${key}`], [on, `clear${key}`])
    for (const on of [crypto, nodeCrypto])
      for (const key of ['randomUUID', 'getRandomValues', 'randomBytes', 'randomFillSync', 'randomInt'])
        places.push([on, key])
    return places.map(([on, key]) => {
      const found = Object.getOwnPropertyDescriptor(on, key)
      return [key, found && Reflect.ownKeys(found).flatMap((part) => [part, found[part as 'value']])].flat()
    })
  }

  test('everything is as before once a simulation has ended, however it ended', async () => {
    const before = own()
    const { Date: date, setTimeout: set } = globalThis
    await run(() => expect(globalThis.Date).not.toBe(date))
    expect(own()).toStrictEqual(before)
    await expect(run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    await expect(run(() => new Promise(() => {}))).rejects.toThrow('MESH_DEADLOCK')
    expect(own()).toStrictEqual(before)
    expect([globalThis.Date, globalThis.setTimeout, namedSetTimeout, nap]).toEqual([
      date,
      set,
      set,
      timersPromises.setTimeout,
    ])
    expect(globalThis.Date).toBe(date)
  })

  test('time is real while a simulation runs', async () => {
    const realStart = performance.now()
    const other = run(
      async ({ sleep }) => {
        for (let i = 0; i < 2_000; i++) await sleep(60_000)
        return Date.now()
      },
      { maxVirtualMs: 1e9 },
    )
    expect(Date.now()).toBeGreaterThan(Date.UTC(2025, 6, 1))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(performance.now() - realStart).toBeGreaterThan(8)
    expect(await other).toBe(Date.UTC(2025, 0, 1) + 120_000_000)
  })

  test('stays patched for as long as one of several installations is in use', () => {
    const { setTimeout: original } = globalThis
    const [first, second] = [installVirtualTime(), installVirtualTime()]
    const patched = globalThis.setTimeout
    expect(patched).not.toBe(original)
    expect(patched).toBe(timers.setTimeout)
    expect([first(), first()]).toEqual([[], []])
    expect(globalThis.setTimeout).toBe(patched)
    expect(second()).toEqual([])
    expect(globalThis.setTimeout).toBe(original)
  })

  test('a replacement by somebody else is named and left alone', () => {
    const { setInterval: original } = globalThis
    const undo = installVirtualTime()
    const mine = (() => {}) as unknown as typeof setInterval
    globalThis.setInterval = mine
    try {
      expect(undo()).toEqual(['setInterval'])
      expect(globalThis.setInterval).toBe(mine)
    } finally {
      globalThis.setInterval = original
    }
  })

  test('the names of replaced globals reach onReplaced', async () => {
    const { clearInterval: original } = globalThis
    try {
      const names: string[] = []
      await run(
        () => {
          globalThis.clearInterval = () => {}
        },
        { onReplaced: (replaced) => names.push(...replaced) },
      )
      expect(names).toEqual(['clearInterval'])
    } finally {
      globalThis.clearInterval = original
    }
  })
})

describe('fake timers of the runner', () => {
  test('that came before stay in charge outside, and the world is virtual inside', async () => {
    vi.useFakeTimers({ now: 7 })
    try {
      const faked = globalThis.setTimeout
      let fakeFired = false
      const inside = run(async ({ sleep, now }) => {
        await sleep(100)
        await new Promise((resolve) => setTimeout(resolve, 100))
        await new Promise((resolve) => setImmediate(resolve))
        clearImmediate(setImmediate(() => expect.fail('fired')))
        await nap(100)
        return [now(), Date.now()]
      })
      setTimeout(() => (fakeFired = true), 1_000)
      expect(Date.now()).toBe(7)
      vi.advanceTimersByTime(1_000)
      expect([fakeFired, Date.now()]).toEqual([true, 1_007])
      expect(await inside).toEqual([300, Date.UTC(2025, 0, 1) + 300])
      expect(globalThis.setTimeout).toBe(faked)
    } finally {
      vi.useRealTimers()
    }
  })

  test('that came after give our dispatcher back later, and the next simulation sees through it', async () => {
    const { setTimeout: original } = globalThis
    const undo = installVirtualTime()
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    expect(undo()).toEqual(['setTimeout'])
    vi.useRealTimers()
    await run(({ sleep }) => sleep(10))
    expect(globalThis.setTimeout).toBe(original)
  })
})

describe('another realm', () => {
  const sandbox = () =>
    vm.createContext({
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      setImmediate,
      performance,
      AbortSignal,
      crypto,
      process: Object.assign(Object.create(process) as object, {
        hrtime: Object.assign(() => [0, 0], { bigint: () => 0n }),
      }),
    })

  test('shows the same virtual time, with a Date of its own', async () => {
    const realm = sandbox()
    const global = vm.runInContext('globalThis', realm) as object
    const before = Object.getOwnPropertyDescriptors(global)
    const seen = await run(
      async ({ sleep }) => {
        await sleep(5)
        return (await vm.runInContext(
          `new Promise((done) => setTimeout(() => done([Date.now(), new Date() instanceof Date, process.hrtime.bigint(), Math.random() === Math.random()]), 1_000))`,
          realm,
        )) as unknown
      },
      { realms: [global] },
    )
    expect(seen).toEqual([Date.UTC(2025, 0, 1) + 1_005, true, 1_005_000_000n, false])
    expect(Object.getOwnPropertyDescriptors(global)).toEqual(before)
  })

  test('may join while a simulation is under way', async () => {
    const global = vm.runInContext('globalThis', sandbox()) as typeof globalThis
    await run(async ({ sleep }) => {
      const undo = installVirtualTime(global)
      await sleep(5)
      expect(global.Date.now()).toBe(Date.now())
      undo()
    })
    expect(global.Date.now()).toBeGreaterThan(Date.UTC(2025, 6, 1))
  })
})
