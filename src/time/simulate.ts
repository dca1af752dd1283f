import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import { installVirtualTime } from './globals.ts'
import { liveWorld, shared } from './scope.ts'
import { assertNoWorld, World, type WorldOptions } from './world.ts'

export interface SimulateOptions extends WorldOptions {
  /** Further global objects to put on virtual time, such as a Jest sandbox's. */
  realms?: readonly object[]
  /** Called with the world before the scenario starts, in real time: to give its clock away, or to read it afterwards. */
  onWorld?: (world: World) => void
  /** Called at the end with the names of the globals that somebody else replaced during the run and that were left alone. */
  onReplaced?: (names: readonly string[]) => void
}

export interface SimulateTools {
  /** Waits `ms` virtual milliseconds. */
  sleep(ms: number): Promise<void>
  /** Virtual milliseconds since the simulation started. */
  now(): number
}

/**
 * Runs the scenario in virtual time: timers, `Date`, `performance`, `AbortSignal.timeout`, `Math.random` and the random
 * parts of `crypto` answer from a {@link World} for it and for everything that it calls, while everybody else stays in real
 * time. An hour of waiting takes no time, and a scenario that can never end fails at once with MESH_DEADLOCK. When it
 * ends, however it ends, the globals are as before and its leftover timers are dropped.
 */
export async function simulate<T>(
  { realms = [], onWorld, onReplaced, ...options }: SimulateOptions,
  scenario: (tools: SimulateTools) => T | Promise<T>,
): Promise<T> {
  assertNoWorld()
  const world = new World(options)
  const undo = installVirtualTime(...realms)
  try {
    onWorld?.(world)
    return await world.run(() =>
      scenario({ sleep: (ms) => world.clock.sleep(milliseconds(ms)), now: () => world.elapsedMs }),
    )
  } finally {
    const replaced = undo()
    if (replaced.length) onReplaced?.(replaced)
  }
}

function milliseconds(ms: number): number {
  if (typeof ms === 'number' && !Number.isNaN(ms)) return ms
  throw new MeshError('MESH_INVALID_OPTION', `sleep: expected a number of milliseconds, got ${describeValue(ms)}`)
}

/** The world in which the caller runs, unless its run is over. */
export function currentWorld(): World | undefined {
  // Only World.run enters the scope; a world of the other copy of this package has the same members.
  return liveWorld() as World | undefined
}

/** Runs `work` in real time, out of any world; the world waits for its promise as for real I/O. */
export function withReal<T>(work: () => T): T {
  const world = liveWorld()
  const result = shared.scope.run(undefined, work)
  if (world && isPromiseLike(result)) {
    const end = world.begin('withReal')
    result.then(end, end)
  }
  return result
}

const isPromiseLike = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
