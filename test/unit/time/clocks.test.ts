import { describe, expect, test, vi } from 'vitest'
import { createHostClock } from '../../../src/time/host-clock.ts'
import { createRealClock } from '../../../src/time/real-clock.ts'

describe('createRealClock', () => {
  test('stays real under the fake timers of a runner', async () => {
    vi.useFakeTimers({ now: 0 })
    try {
      const clock = createRealClock()
      const before = clock.now()
      await clock.sleep(5)
      expect(clock.now() - before).toBeGreaterThanOrEqual(5)
      expect(before).toBeGreaterThan(Date.UTC(2024, 0, 1))
    } finally {
      vi.useRealTimers()
    }
  })

  test('never fires early', async () => {
    const clock = createRealClock()
    for (const ms of [0.2, 1.5, 2.9, 7.7]) {
      const before = clock.now()
      await clock.sleep(ms)
      expect(clock.now() - before).toBeGreaterThanOrEqual(ms)
    }
  })

  test('takes a negative delay and NaN as 0', async () => {
    const clock = createRealClock()
    await clock.sleep(-5)
    await clock.sleep(Number.NaN)
  })

  test('does not fire at once for a delay beyond what a timer of Node takes', async () => {
    const clock = createRealClock()
    const fired: string[] = []
    const undos = [2 ** 31, 2 ** 40, Infinity].map((ms) => clock.timer(ms, () => fired.push(`after ${ms} ms`)))
    await clock.sleep(10)
    undos.forEach((undo) => undo())
    expect(fired).toEqual([])
  })

  test('keeps its timer from firing once undone', async () => {
    const clock = createRealClock()
    let fired = false
    clock.timer(1, () => (fired = true))()
    await clock.sleep(5)
    expect(fired).toBe(false)
  })

  test('wakes a sleeper whose signal aborts, without an error', async () => {
    const clock = createRealClock()
    const stop = new AbortController()
    const asleep = clock.sleep(60_000, stop.signal)
    stop.abort()
    await asleep
    await clock.sleep(60_000, stop.signal)
  })
})

describe('createHostClock', () => {
  test('follows fake timers that come after it', async () => {
    const clock = createHostClock()
    vi.useFakeTimers({ now: 1_000 })
    try {
      let isAwake = false
      const asleep = clock.sleep(30_000).then(() => (isAwake = true))
      await vi.advanceTimersByTimeAsync(29_999)
      expect([clock.now(), isAwake]).toEqual([30_999, false])
      await vi.advanceTimersByTimeAsync(1)
      await asleep
      expect([clock.now(), isAwake]).toEqual([31_000, true])
    } finally {
      vi.useRealTimers()
    }
  })

  test('follows a jump of the fake date', () => {
    vi.useFakeTimers({ now: 5 })
    try {
      const clock = createHostClock()
      vi.setSystemTime(77_000)
      expect(clock.now()).toBe(77_000)
    } finally {
      vi.useRealTimers()
    }
  })

  test('walks a delay beyond the longest timer in pieces', async () => {
    vi.useFakeTimers({ now: 0 })
    try {
      const clock = createHostClock()
      const ms = 2 ** 31 + 5_000
      let fired = false
      clock.timer(ms, () => (fired = true))
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(fired).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(fired).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  test('looks its functions up on the given host at each call', () => {
    const asked: unknown[] = []
    const host = {
      setTimeout: (_fire: () => void, ms: number) => asked.push(['set', ms]),
      clearTimeout: (timer: number) => asked.push(['clear', timer]),
      Date: { now: () => 42 },
    }
    const clock = createHostClock(host)
    clock.timer(9, () => {})()
    host.Date = { now: () => 43 }
    expect([clock.now(), ...asked]).toEqual([43, ['set', 9], ['clear', 1]])
  })
})
