import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import type { Random } from '../random/random.ts'

export interface WorldOptions {
  /** Seeds `Math.random` and `crypto` inside the world. */
  random: Random
  /** What `Date.now()` says at the beginning, in milliseconds since the Unix epoch. Default 2025-01-01T00:00:00Z. */
  startAt?: number
  /** Turns of the event loop that a run may take, about one per timer that fires. Default 1,000,000. */
  maxTurns?: number
  /** Virtual milliseconds that a run may last. Default 86,400,000, a day. */
  maxVirtualMs?: number
  /** Real milliseconds without any progress for which real I/O of the world is waited for. Default 30,000. */
  maxRealIoMs?: number
  /** Real milliseconds without any progress for which held transfers are waited for. Default 2,000. */
  maxHoldMs?: number
}

export type WorldLimits = Required<Omit<WorldOptions, 'random' | 'startAt'>>

const defaultStartAt = Date.UTC(2025, 0, 1)
const defaults: WorldLimits = { maxTurns: 1_000_000, maxVirtualMs: 86_400_000, maxRealIoMs: 30_000, maxHoldMs: 2_000 }

/** The options with their defaults; fails with MESH_INVALID_OPTION. */
export function checkedWorldOptions(options: WorldOptions): Required<WorldOptions> {
  const { random, startAt = defaultStartAt } = options
  if (!Number.isFinite(startAt)) throw invalid('startAt', 'milliseconds since the Unix epoch', startAt)
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as (keyof WorldLimits)[]) {
    const value = options[name] ?? defaults[name]
    if (typeof value !== 'number' || !(value > 0)) throw invalid(name, 'a number above 0', value)
    limits[name] = value
  }
  return { random, startAt, ...limits }
}

const invalid = (name: string, expected: string, value: unknown) =>
  new MeshError('MESH_INVALID_OPTION', `simulate: expected \`${name}\` to be ${expected}, got ${describeValue(value)}`)
