import {
  ConsecutiveBreaker,
  circuitBreaker,
  ConstantBackoff,
  handleAll,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel'
import { describe, expect, test, vi } from 'vitest'
import { createRandom } from '../../../src/random/random.ts'
import { installVirtualTime } from '../../../src/time/globals.ts'
import { currentWorld, simulate } from '../../../src/time/simulate.ts'

const never = () => new Promise<never>(() => {})

describe('simulate with cockatiel', () => {
  test('passes a 30 s time-out at once', async () => {
    await simulate({ random: createRandom(1) }, async ({ now }) => {
      const policy = timeout(30_000, TimeoutStrategy.Aggressive)
      await expect(policy.execute(never)).rejects.toThrow('timed out')
      expect(now()).toBe(30_000)
    })
  })

  test('waits between retries in virtual time', async () => {
    await simulate({ random: createRandom(1) }, async ({ now }) => {
      const times: number[] = []
      const policy = retry(handleAll, { maxAttempts: 3, backoff: new ConstantBackoff(60_000) })
      await policy
        .execute(() => {
          times.push(now())
          throw new Error('down')
        })
        .catch(() => {})
      expect(times).toEqual([0, 60_000, 120_000, 180_000])
    })
  })

  test('lives through a 30 minutes outage with breaker, retry and time-out', async () => {
    const scenario = async ({ sleep, now }: { sleep(ms: number): Promise<void>; now(): number }) => {
      const log: string[] = []
      const breaker = circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(5) })
      breaker.onStateChange((state) => log.push(`${now()} ${state}`))
      const policy = wrap(
        retry(handleAll, { maxAttempts: 1, backoff: new ConstantBackoff(100) }),
        breaker,
        timeout(1_000, TimeoutStrategy.Aggressive),
      )
      const isDown = () => now() >= 60_000 && now() < 60_000 + 30 * 60_000
      let served = 0
      for (let i = 0; i < 40 * 60; i++) {
        await policy
          .execute(() => (isDown() ? never() : sleep(20 * Math.random())))
          .then(
            () => served++,
            () => {},
          )
        await sleep(1_000)
      }
      return { log, served }
    }
    const first = await simulate({ random: createRandom(1) }, scenario)
    expect(first.log.filter((line) => line.endsWith('0')).length).toBeGreaterThan(0)
    expect(first.served).toBeGreaterThan(500)
    expect(await simulate({ random: createRandom(1) }, scenario)).toEqual(first)
  })
})

describe('simulate', () => {
  test('gives the result of the scenario, synchronous or not', async () => {
    expect(await simulate({ random: createRandom(1) }, () => 1)).toBe(1)
    expect(await simulate({ random: createRandom(1) }, async () => 2)).toBe(2)
  })

  test('keeps the async context of whoever sets a timer', async () => {
    const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
    const user = new AsyncLocalStorage<string>()
    const seen = await user.run('outer', () =>
      simulate({ random: createRandom(1) }, async ({ sleep }) => {
        const seen: unknown[] = [user.getStore()]
        user.run('inner', () => setTimeout(() => seen.push(user.getStore()), 1))
        await sleep(5)
        return [...seen, user.getStore()]
      }),
    )
    expect(seen).toEqual(['outer', 'inner', 'outer'])
  })
})

describe('two copies of the package', () => {
  const secondCopy = async () => {
    vi.resetModules()
    return {
      ...(await import('../../../src/time/simulate.ts')),
      ...(await import('../../../src/time/globals.ts')),
    }
  }

  test("see each other's worlds and refuse to nest them", async () => {
    const other = await secondCopy()
    expect(other.simulate).not.toBe(simulate)
    await simulate({ random: createRandom(1) }, async () => {
      expect(other.currentWorld()).toBe(currentWorld())
      await expect(other.simulate({ random: createRandom(1) }, () => {})).rejects.toThrow(
        'simulate() inside simulate()',
      )
    })
  })

  test('share the natives that the first one took', async () => {
    const undo = installVirtualTime()
    vi.resetModules()
    const { createRealClock } = await import('../../../src/time/real-clock.ts')
    undo()
    await simulate({ random: createRandom(1) }, () => {
      expect(Date.now()).toBe(Date.UTC(2025, 0, 1))
      expect(createRealClock().now()).toBeGreaterThan(Date.UTC(2025, 6, 1))
    })
  })

  test('share one installation, whichever ends first', async () => {
    const { setTimeout: original } = globalThis
    const undo = installVirtualTime()
    const other = await secondCopy() // loaded while dispatchers stand on the globals
    const waited = await other.simulate({ random: createRandom(1) }, async ({ sleep, now }) => {
      undo()
      const handle = setTimeout(() => expect.fail('fired'), 10)
      clearTimeout(handle)
      await sleep(1_000)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return now()
    })
    expect(waited).toBe(2_000)
    expect(globalThis.setTimeout).toBe(original)
  })
})
