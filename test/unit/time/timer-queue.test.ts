import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Queued, TimerQueue } from '../../../src/time/timer-queue.ts'

describe('TimerQueue', () => {
  test('gives what a sorted list would give, whatever is added and removed', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), whenMs: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ do: fc.constant('remove' as const), at: fc.nat(30) }),
      fc.record({ do: fc.constant('pop' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new TimerQueue<Queued>()
        let list: Queued[] = []
        let seq = 0
        for (const it of steps) {
          if (it.do === 'add') {
            const item = { whenMs: it.whenMs, seq: ++seq, slot: -1 }
            queue.add(item)
            list.push(item)
            list.sort((a, b) => a.whenMs - b.whenMs || a.seq - b.seq)
          } else {
            const item = it.do === 'pop' ? queue.first : list[it.at]
            if (item) queue.remove(item)
            list = list.filter((other) => other !== item)
          }
          expect(queue.first).toBe(list[0])
          expect(queue.size).toBe(list.length)
        }
      }),
    )
  })

  test('keeps its order however many are taken out of its middle', () => {
    const times = fc.array(fc.nat(1_000), { minLength: 30, maxLength: 100 })
    fc.assert(
      fc.property(times, fc.array(fc.nat(99), { minLength: 5, maxLength: 20 }), (times, removed) => {
        const queue = new TimerQueue<Queued>()
        const items = times.map((whenMs, seq) => ({ whenMs, seq, slot: -1 }))
        items.forEach((item) => queue.add(item))
        removed.forEach((at) => items[at] && queue.remove(items[at]))
        const drained: number[] = []
        for (let first = queue.first; first; first = queue.first) {
          drained.push(first.whenMs)
          queue.remove(first)
        }
        expect(drained).toEqual(times.filter((_, at) => !removed.includes(at)).sort((a, b) => a - b))
      }),
    )
  })

  test('ignores the removal of what is not in it', () => {
    const queue = new TimerQueue<Queued>()
    const item = { whenMs: 1, seq: 1, slot: -1 }
    queue.add(item)
    queue.remove(item)
    queue.remove(item)
    expect(queue.size).toBe(0)
  })
})
