import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Lateness, unmeasured } from '../../../src/time/fidelity.ts'

const noted = (all: readonly number[]) => {
  const lateness = new Lateness()
  for (const ms of all) lateness.note(ms)
  return lateness.fidelity()
}

describe('Lateness', () => {
  test('gives percentiles that are at most 9 % and a microsecond above those of the sorted list', () => {
    const latenesses = fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(latenesses, (all) => {
        const { p50LateMs, p99LateMs, maxLateMs, withinOneMs } = noted(all)
        const sorted = all.toSorted((a, b) => a - b)
        for (const [share, ms] of [
          [0.5, p50LateMs],
          [0.99, p99LateMs],
        ] as const) {
          const exact = sorted[Math.ceil(share * all.length) - 1]!
          expect(ms).toBeGreaterThanOrEqual(exact - 0.001)
          expect(ms).toBeLessThanOrEqual(exact * 1.0906 + 0.001)
        }
        expect(maxLateMs).toBeCloseTo(sorted.at(-1)!, 2)
        expect(withinOneMs).toBe(all.filter((ms) => ms <= 1).length / all.length)
      }),
    )
  })

  test('puts it in a line', () => {
    const all = [...Array.from({ length: 1_195 }, () => 0.02), ...Array.from({ length: 8 }, () => 1.8), 3.1]
    expect(`${noted(all)}`).toMatchInlineSnapshot(
      `"1,204 delays: 99.2 % within 1 ms of what was drawn, p99 0.02 ms late, worst 3.1 ms"`,
    )
    expect(`${noted([0.004])}`).toMatchInlineSnapshot(
      `"1 delay: 100 % within 1 ms of what was drawn, p99 0.00 ms late, worst 0.00 ms"`,
    )
    expect(`${noted([])}`).toMatchInlineSnapshot(`"no delays"`)
  })

  test('says 100 % of nothing less than all', () => {
    expect(`${noted([...Array.from({ length: 9_999 }, () => 0.1), 5])}`).toContain('99.9 % within 1 ms')
  })

  test('counts what is early', () => {
    expect(noted([-0.5, 0.5])).toMatchObject({ early: 1, withinOneMs: 1 })
  })
})

describe('clocks that are not measured', () => {
  test('say why', () => {
    expect(`${unmeasured('virtual')}`).toMatchInlineSnapshot(`"delays in virtual time are exact"`)
    expect(`${unmeasured('host')}`).toMatchInlineSnapshot(
      `"delays follow the test runner's timers and are not measured"`,
    )
  })
})
