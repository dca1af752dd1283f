import { describe, expect, test } from 'vitest'
import {
  constant,
  exponential,
  lognormal,
  normal,
  sampleResponseTime,
  uniform,
} from '../../../src/backend/response-time.ts'
import { createRandom } from '../../../src/random/random.ts'
import type { ResponseTime } from '../../../src/topology/options.ts'

const draws = 20_000
const sampled = (spec: ResponseTime | number, seed: number) => {
  const random = createRandom(seed)
  return Array.from({ length: draws }, (_, nth) => sampleResponseTime(spec, random, 'a->b', nth))
}
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const deviation = (values: readonly number[]) => {
  const centre = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)))
}
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b)
const quantile = (values: readonly number[], p: number) => sorted(values)[Math.ceil(p * values.length) - 1]!

/** The Kolmogorov-Smirnov distance between the draws and a distribution function. */
const distance = (values: readonly number[], cdf: (x: number) => number) =>
  Math.max(
    ...sorted(values).map((x, i) =>
      Math.max(Math.abs(cdf(x) - i / values.length), Math.abs(cdf(x) - (i + 1) / values.length)),
    ),
  )
/** The critical distance at the level of 1 %: 1.628 / sqrt(n) (Smirnov's asymptotic table). */
const critical = 1.628 / Math.sqrt(draws)

/** The standard normal distribution function: Abramowitz and Stegun, 26.2.17, error below 7.5e-8. */
function phi(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const upper = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series
  return z >= 0 ? 1 - upper : upper
}

describe('sampleResponseTime', () => {
  test('a number and a constant are taken as they are, without chance', () => {
    const random = createRandom(1)
    expect(sampleResponseTime(7.5, random, 'a->b', 0)).toBe(7.5)
    expect(sampleResponseTime(constant(12), random, 'a->b', 0)).toBe(12)
    expect(random.used).toBe(false)
  })

  describe.each([1, 2, 3])('over 20 000 draws with seed %d', (seed) => {
    test('uniform: mean (a + b) / 2, deviation (b - a) / sqrt(12), within its bounds', () => {
      const values = sampled(uniform({ minMs: 10, maxMs: 50 }), seed)
      expect(mean(values)).toBeCloseTo(30, 0)
      expect(deviation(values)).toBeCloseTo(40 / Math.sqrt(12), 0)
      expect(Math.min(...values)).toBeGreaterThanOrEqual(10)
      expect(Math.max(...values)).toBeLessThan(50)
      expect(distance(values, (x) => (x - 10) / 40)).toBeLessThan(critical)
    })

    test('normal: its mean and deviation', () => {
      const values = sampled(normal({ meanMs: 200, deviationMs: 20 }), seed)
      expect(Math.abs(mean(values) - 200)).toBeLessThan(0.6)
      expect(Math.abs(deviation(values) - 20)).toBeLessThan(0.4)
      expect(distance(values, (x) => phi((x - 200) / 20))).toBeLessThan(critical)
    })

    test('normal: draws below zero are zero, as many as lie there', () => {
      const values = sampled(normal({ meanMs: 10, deviationMs: 10 }), seed)
      expect(Math.min(...values)).toBe(0)
      const zeros = values.filter((value) => value === 0).length / draws
      expect(Math.abs(zeros - phi(-1))).toBeLessThan(0.01)
    })

    test('lognormal: the median and the 99th percentile that it was given, mean exp(mu + sigma² / 2)', () => {
      const values = sampled(lognormal({ medianMs: 12, p99Ms: 80 }), seed)
      const sigma = Math.log(80 / 12) / 2.3263478740408408
      expect(Math.abs(quantile(values, 0.5) / 12 - 1)).toBeLessThan(0.03)
      expect(Math.abs(quantile(values, 0.99) / 80 - 1)).toBeLessThan(0.08)
      expect(Math.abs(mean(values) / (12 * Math.exp(sigma ** 2 / 2)) - 1)).toBeLessThan(0.03)
      expect(distance(values, (x) => phi(Math.log(x / 12) / sigma))).toBeLessThan(critical)
    })

    test('exponential: mean and deviation alike, median mean * ln 2', () => {
      const values = sampled(exponential({ meanMs: 40 }), seed)
      expect(Math.abs(mean(values) / 40 - 1)).toBeLessThan(0.025)
      expect(Math.abs(deviation(values) / 40 - 1)).toBeLessThan(0.035)
      expect(Math.abs(quantile(values, 0.5) / (40 * Math.LN2) - 1)).toBeLessThan(0.035)
      expect(distance(values, (x) => 1 - Math.exp(-x / 40))).toBeLessThan(critical)
    })
  })

  test('a time depends on seed, key and nth, and on nothing drawn before', () => {
    const spec = lognormal({ medianMs: 12, p99Ms: 80 })
    const random = createRandom(1)
    const first = sampleResponseTime(spec, random, 'a->b', 3)
    sampleResponseTime(spec, random, 'a->c', 3)
    expect(sampleResponseTime(spec, random, 'a->b', 3)).toBe(first)
    expect(sampleResponseTime(spec, random, 'a->b', 4)).not.toBe(first)
    expect(sampleResponseTime(spec, random, 'a->c', 3)).not.toBe(first)
    expect(sampleResponseTime(spec, createRandom(2), 'a->b', 3)).not.toBe(first)
  })

  test('the smallest draw gives a plain zero', () => {
    const random = { ...createRandom(1), draw: () => 0, used: true }
    expect(Object.is(sampleResponseTime(exponential({ meanMs: 5 }), random, 'a->b', 0), 0)).toBe(true)
  })

  test('a lognormal whose percentiles meet is a constant', () => {
    expect(sampleResponseTime(lognormal({ medianMs: 9, p99Ms: 9 }), createRandom(1), 'a->b', 0)).toBeCloseTo(9, 10)
  })
})

describe('the constructors', () => {
  test('give plain frozen data', () => {
    const specs = [
      constant(5),
      uniform({ minMs: 1, maxMs: 2 }),
      normal({ meanMs: 5, deviationMs: 1 }),
      lognormal({ medianMs: 12, p99Ms: 80 }),
      exponential({ meanMs: 3 }),
    ]
    expect(specs).toEqual([
      { kind: 'constant', ms: 5 },
      { kind: 'uniform', minMs: 1, maxMs: 2 },
      { kind: 'normal', meanMs: 5, deviationMs: 1 },
      { kind: 'lognormal', medianMs: 12, p99Ms: 80 },
      { kind: 'exponential', meanMs: 3 },
    ])
    expect(specs.every(Object.isFrozen)).toBe(true)
  })

  test.each([
    [() => constant(-1), 'constant: expected `ms` to be a number >= 0, got -1 (number)'],
    [() => constant(Infinity), 'constant: expected `ms` to be a number >= 0, got Infinity (number)'],
    [() => constant('5' as unknown as number), 'constant: expected `ms` to be a number >= 0, got "5" (string)'],
    [() => uniform({ minMs: -1, maxMs: 2 }), 'uniform: expected `minMs` to be a number >= 0, got -1 (number)'],
    [() => uniform({ minMs: 3, maxMs: 2 }), 'uniform: expected `maxMs` to be a number >= 3, got 2 (number)'],
    [() => normal({ meanMs: NaN, deviationMs: 1 }), 'normal: expected `meanMs` to be a number >= 0, got NaN (number)'],
    [
      () => normal({ meanMs: 1, deviationMs: -1 }),
      'normal: expected `deviationMs` to be a number >= 0, got -1 (number)',
    ],
    [() => lognormal({ medianMs: 0, p99Ms: 1 }), 'lognormal: expected `medianMs` to be a number > 0, got 0 (number)'],
    [() => lognormal({ medianMs: 2, p99Ms: 1 }), 'lognormal: expected `p99Ms` to be a number >= 2, got 1 (number)'],
    [() => exponential({ meanMs: 0 }), 'exponential: expected `meanMs` to be a number > 0, got 0 (number)'],
  ])('refuse what lies outside (%#)', (build, message) => {
    expect(build).toThrow(
      expect.objectContaining({ code: 'MESH_INVALID_OPTION', message: expect.stringContaining(message) }),
    )
  })
})
