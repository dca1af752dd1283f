import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createRealClock } from '../../../src/time/real-clock.ts'
import { PreciseWaits, type WaitNatives } from '../../../src/time/precise-waits.ts'

/** An event loop of which a test turns the handle: timers ring early or late by what `skewMs` says. */
function handLoop(skewMs: () => number = () => 0) {
  let nowMs = 1_000
  let id = 0
  const timers = new Map<number, { atMs: number; fire: () => void }>()
  const immediates = new Map<number, () => void>()
  const asked: number[] = []
  const loop = {
    natives: {
      monotonicNow: () => nowMs,
      setTimeout: (fire: () => void, ms: number) => {
        asked.push(ms)
        timers.set(++id, { atMs: Math.max(nowMs, nowMs + ms + skewMs()), fire })
        return id
      },
      clearTimeout: (timer: number) => void timers.delete(timer),
      setImmediate: (fire: () => void) => {
        immediates.set(++id, fire)
        return id
      },
      clearImmediate: (immediate: number) => void immediates.delete(immediate),
      // As the machine does, with some time of its own.
      nap(ms: number) {
        loop.naps++
        nowMs += ms + 0.06
      },
    } as unknown as WaitNatives,
    asked,
    turns: 0,
    naps: 0,
    get nowMs() {
      return nowMs
    },
    get armed() {
      return timers.size + immediates.size
    },
    /** What other work takes in each turn. */
    workMs: 0.01,
    /** One turn of the loop, or up to the next timer when nothing else is due. */
    turn() {
      loop.turns++
      const next = Math.min(...[...timers.values()].map(({ atMs }) => atMs))
      nowMs = immediates.size > 0 ? nowMs + loop.workMs : Math.max(nowMs, next)
      const ready = [...immediates.values()]
      immediates.clear()
      for (const fire of ready) fire()
      for (const [handle, timer] of [...timers]) {
        if (timer.atMs > nowMs || !timers.has(handle)) continue
        timers.delete(handle)
        timer.fire()
      }
    },
    runOut() {
      for (let turns = 0; loop.armed > 0; turns++) {
        if (turns > 1_000_000) throw new Error('The loop does not come to an end')
        loop.turn()
      }
    },
  }
  return loop
}

const delays = fc.array(
  fc.integer({ min: 0, max: 60_000 }).map((us) => us / 1_000),
  { minLength: 1, maxLength: 60 },
)
const skews = fc.infiniteStream(fc.double({ min: -2, max: 1.1, noNaN: true }))

describe('PreciseWaits', () => {
  test('ends waits in order of time and never early, however the timers of the machine ring', () => {
    fc.assert(
      fc.property(delays, skews, (all, skew) => {
        const loop = handLoop(() => skew.next().value)
        const waits = new PreciseWaits(loop.natives)
        const ended: { ms: number; index: number; afterMs: number }[] = []
        const startMs = loop.nowMs
        all.forEach((ms, index) => waits.add(ms, () => ended.push({ ms, index, afterMs: loop.nowMs - startMs })))
        loop.runOut()
        expect(ended.every(({ ms, afterMs }) => afterMs >= ms)).toBe(true)
        expect(ended.map(({ index }) => index)).toEqual(
          all
            .map((ms, index) => ({ ms, index }))
            .sort((a, b) => a.ms - b.ms || a.index - b.index)
            .map((it) => it.index),
        )
        // The loop itself is never late here, so neither is a wait, but for the latest ring beyond the margin.
        expect(Math.max(...ended.map(({ ms, afterMs }) => afterMs - ms))).toBeLessThan(0.7)
        expect(waits.lateness.fidelity()).toMatchObject({ waits: all.length, early: 0, withinOneMs: 1 })
      }),
    )
  })

  test('fires exactly those that were not undone, and leaves nothing armed', () => {
    const waits = fc.array(
      fc.record({ ms: fc.integer({ min: 0, max: 40 }), undoAtMs: fc.integer({ min: 0, max: 80 }) }),
    )
    fc.assert(
      fc.property(waits, (all) => {
        const loop = handLoop()
        const precise = new PreciseWaits(loop.natives)
        const fired: number[] = []
        all.forEach(({ ms, undoAtMs }, index) => {
          const undo = precise.add(ms, () => fired.push(index))
          precise.add(undoAtMs, undo)
        })
        loop.runOut()
        // At the same time, the wait was registered before its undo.
        const expected = all.flatMap(({ ms, undoAtMs }, index) => (ms <= undoAtMs ? [index] : []))
        expect(fired.toSorted((a, b) => a - b)).toEqual(expected)
        expect([precise.size, loop.armed]).toEqual([0, 0])
      }),
    )
  })

  test('turns the loop in the last moments of a long wait only', () => {
    const loop = handLoop()
    let isOver = false
    new PreciseWaits(loop.natives).add(30_000, () => (isOver = true))
    loop.runOut()
    expect(isOver).toBe(true)
    expect(loop.turns).toBeLessThan(50)
  })

  test('naps between turns without work, and takes no nap while there is work', () => {
    const idle = handLoop()
    new PreciseWaits(idle.natives).add(2, () => {})
    idle.runOut()
    expect(idle.naps).toBeGreaterThanOrEqual(5)
    const busy = handLoop()
    busy.workMs = 0.06
    new PreciseWaits(busy.natives).add(2, () => {})
    busy.runOut()
    expect(busy.naps).toBe(0)
  })

  test('keeps one timer for thousands of waits', () => {
    const loop = handLoop()
    const waits = new PreciseWaits(loop.natives)
    const undos = Array.from({ length: 5_000 }, (_, i) => waits.add(100 + i, () => {}))
    expect([waits.size, loop.armed]).toEqual([5_000, 1])
    for (const undo of undos) undo()
    expect([waits.size, loop.armed]).toEqual([0, 0])
  })

  test('walks a wait beyond the longest timer in pieces', () => {
    const loop = handLoop()
    const ms = 2 ** 31 + 5_000
    let endedMs = 0
    new PreciseWaits(loop.natives).add(ms, () => (endedMs = loop.nowMs - 1_000))
    loop.runOut()
    expect(loop.asked.every((asked) => asked <= 2 ** 31 - 1)).toBe(true)
    expect(endedMs).toBeGreaterThanOrEqual(ms)
  })

  test('goes on with the others when one of them throws', () => {
    const loop = handLoop()
    const waits = new PreciseWaits(loop.natives)
    const seen: string[] = []
    waits.add(1, () => {
      throw new Error('of the first')
    })
    waits.add(1, () => seen.push('second'))
    expect(() => loop.runOut()).toThrow('of the first')
    loop.runOut()
    expect(seen).toEqual(['second'])
  })

  test('leaves what a wait adds at its end to the next turn', () => {
    const loop = handLoop()
    const waits = new PreciseWaits(loop.natives)
    const turnsAt: number[] = []
    const again = () => void (turnsAt.push(loop.turns) < 3 && waits.add(0, again))
    waits.add(0, again)
    loop.runOut()
    expect(new Set(turnsAt).size).toBe(3)
  })
})

describe('the real clock', () => {
  test('sleeps precisely under the fake timers of a runner, setImmediate included', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'performance', 'Date'] })
    try {
      const clock = createRealClock()
      await Promise.all([3, 1, 2].map((ms) => clock.sleep(ms)))
      expect(clock.fidelity?.()).toMatchObject({ mode: 'real', waits: 3, early: 0 })
    } finally {
      vi.useRealTimers()
    }
  })

  test('does not count a sleep that was interrupted', async () => {
    const clock = createRealClock()
    const stop = new AbortController()
    const asleep = clock.sleep(60_000, stop.signal)
    stop.abort()
    await asleep
    expect(String(clock.fidelity?.())).toBe('no delays')
  })
})
