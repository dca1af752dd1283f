import { createRandom } from '../random/random.ts'
import type { Random } from '../random/random.ts'
import { simulate } from '../time/simulate.ts'
import type { SimulateTools } from '../time/simulate.ts'
import type { World } from '../time/world.ts'
import type { Engine } from './engine.ts'
import type { Ports } from './ports.ts'

export interface SimulateOptions {
  /** Milliseconds since the epoch at which virtual time starts. Default 2025-01-01T00:00:00Z. */
  startAt?: number
  /** Virtual time after which the simulation is stopped as running away, in milliseconds. */
  maxVirtualMs?: number
  /** Turns of the event loop after which the simulation is stopped as a livelock. Default 1 000 000. */
  maxTurns?: number
}

type Scenario<T> = (tools: SimulateTools) => T | Promise<T>

/** The times that a mesh spends in virtual time. */
export class Simulations {
  readonly #engine: Engine
  readonly #ports: Ports
  /** What code in a simulation draws from `Math.random` is seeded, but is no decision of the mesh. */
  readonly #random: Random
  readonly #running = new Set<Promise<unknown>>()
  #count = 0

  constructor(engine: Engine, ports: Ports) {
    this.#engine = engine
    this.#ports = ports
    const own = createRandom(engine.seed)
    this.#random = {
      ...own,
      // A simulation that fails names the seed if chance took part anywhere.
      get used() {
        return own.used || engine.random.used
      },
    }
  }

  /** `isIntercepted` tells whether requests of this process reach the mesh already; in a simulation they always do. */
  run<T>(scenario: Scenario<T>, options: SimulateOptions & { isIntercepted: boolean }): Promise<T> {
    const run = this.#run(scenario, options).finally(() => this.#running.delete(run))
    this.#running.add(run)
    return run
  }

  /** Resolves when none is running any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #run<T>(
    scenario: Scenario<T>,
    { isIntercepted, ...options }: SimulateOptions & { isIntercepted: boolean },
  ): Promise<T> {
    const { door, stopping } = this.#engine
    const interception = isIntercepted ? undefined : this.#ports.intercept(door)
    let leave = () => {}
    try {
      await this.#ports.warmUp()
      stopping.throwIfAborted()
      return await simulate(
        {
          ...options,
          random: this.#random,
          realms: this.#ports.realms(),
          onWorld: (world) => (leave = this.#enter(world)),
        },
        scenario,
      )
    } finally {
      leave()
      await interception?.close()
    }
  }

  /** Puts the mesh on the world's time. Returns the way back. */
  #enter(world: World): () => void {
    const { chaos, clock, dispatch, journal, stopping } = this.#engine
    const simulation = ++this.#count
    const before = new Set(chaos.faults)
    const leaveWorld = clock.enter(world.clock)
    // A test that ran out of time must not leave virtual time on the globals.
    const onStop = () => world.fail(stopping.reason)
    stopping.addEventListener('abort', onStop, { once: true })
    dispatch.open.mirrorTo(world.open)
    journal.record('simulation.started', { simulation })
    return () => {
      stopping.removeEventListener('abort', onStop)
      // Faults injected in virtual time end with it: their clocks stop here. So do calls that are still under way.
      for (const fault of chaos.faults) if (!before.has(fault)) fault.revert()
      dispatch.open.forget()
      journal.record('simulation.ended', { simulation, virtualMs: clock.sinceStart() })
      leaveWorld()
    }
  }
}
