import type { Random } from '../random/random.ts'
import { number, type Range } from '../topology/checks.ts'
import type { ResponseTime } from '../topology/options.ts'

/** The 99th percentile of the standard normal distribution. */
const z99 = 2.3263478740408408

type Kind<K extends ResponseTime['kind']> = Extract<ResponseTime, { kind: K }>

/** Always `ms` milliseconds. */
export function constant(ms: number): Kind<'constant'> {
  expectNumber('constant', 'ms', ms, { atLeast: 0 })
  return Object.freeze({ kind: 'constant', ms })
}

/** Every time from `minMs` up to `maxMs` alike. */
export function uniform({ minMs, maxMs }: { minMs: number; maxMs: number }): Kind<'uniform'> {
  expectNumber('uniform', 'minMs', minMs, { atLeast: 0 })
  expectNumber('uniform', 'maxMs', maxMs, { atLeast: minMs })
  return Object.freeze({ kind: 'uniform', minMs, maxMs })
}

/** A normal distribution; draws below zero count as zero. */
export function normal({ meanMs, deviationMs }: { meanMs: number; deviationMs: number }): Kind<'normal'> {
  expectNumber('normal', 'meanMs', meanMs, { atLeast: 0 })
  expectNumber('normal', 'deviationMs', deviationMs, { atLeast: 0 })
  return Object.freeze({ kind: 'normal', meanMs, deviationMs })
}

/**
 * A long tail, as services have it: half of the answers take up to `medianMs`, one in a hundred longer than `p99Ms`.
 *
 * ```ts
 * const catalog = { responseTime: lognormal({ medianMs: 12, p99Ms: 80 }) }
 * ```
 */
export function lognormal({ medianMs, p99Ms }: { medianMs: number; p99Ms: number }): Kind<'lognormal'> {
  expectNumber('lognormal', 'medianMs', medianMs, { above: 0 })
  expectNumber('lognormal', 'p99Ms', p99Ms, { atLeast: medianMs })
  return Object.freeze({ kind: 'lognormal', medianMs, p99Ms })
}

/** The memoryless distribution of queueing theory, with this mean. */
export function exponential({ meanMs }: { meanMs: number }): Kind<'exponential'> {
  expectNumber('exponential', 'meanMs', meanMs, { above: 0 })
  return Object.freeze({ kind: 'exponential', meanMs })
}

/**
 * The nth response time under this key in milliseconds, never below 0. The same arguments give the same time, always. A
 * number, and a constant, need no chance.
 *
 * Lognormal: exp(mu + sigma z) with mu = ln(median) and sigma = (ln(p99) - ln(median)) / z(0.99). Exponential: by the
 * inverse of its distribution function.
 */
export function sampleResponseTime(spec: ResponseTime | number, random: Random, key: string, nth: number): number {
  if (typeof spec === 'number') return spec
  const draw = () => random.draw('response-time', key, nth)
  const deviate = () => random.normal('response-time', key, nth)
  switch (spec.kind) {
    case 'constant':
      return spec.ms
    case 'uniform':
      return spec.minMs + (spec.maxMs - spec.minMs) * draw()
    case 'normal':
      return Math.max(0, spec.meanMs + spec.deviationMs * deviate())
    case 'lognormal': {
      const mu = Math.log(spec.medianMs)
      return Math.exp(mu + ((Math.log(spec.p99Ms) - mu) / z99) * deviate())
    }
    case 'exponential':
      // The draw 0 gives a negative zero, which `max` takes away.
      return Math.max(0, -spec.meanMs * Math.log(1 - draw()))
  }
}

/** @throws MeshError `MESH_INVALID_OPTION` */
const expectNumber = (kind: string, key: string, value: number, range: Range) =>
  number(range)(value, { owner: kind, key })
