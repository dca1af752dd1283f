import { MeshError, type MeshErrorCode } from '../errors.ts'
import type { Random } from '../random/random.ts'
import { type Clock, sleepOn } from './clock.ts'
import { natives, turn } from './natives.ts'
import { OutsideWork } from './outside-work.ts'
import { watchRealIo } from './real-io.ts'
import { liveWorld, type ScopedWorld, shared } from './scope.ts'
import { TimerQueue } from './timer-queue.ts'
import { type TimerHome, VirtualTimer } from './virtual-timer.ts'
import { checkedWorldOptions, type WorldLimits, type WorldOptions } from './world-options.ts'

export type { WorldOptions } from './world-options.ts'

type Run<T> = { state: 'running' } | { state: 'succeeded'; value: T } | { state: 'failed'; error: unknown }

// After the last real I/O or held transfer: its answer may still be on its way through streams of Node.
const calmTurns = 4
// While only waiting for the outside: turns in a hurry, then one look per millisecond.
const hurriedTurns = 500

/** Numbers of timers start beyond those that Node gives to its own. */
const firstTimerId = 2 ** 40

/**
 * A world with a time of its own, for one run. One step = one callback: let everything that is ready happen (microtasks,
 * nextTicks, setImmediates), wait for the world's own real I/O, then move the clock to the earliest timer and call that
 * one. Timers with the same time fire in the order in which they were set. Worlds are told apart by async context, so
 * any number of them run side by side in a process, and the test runner stays outside, in real time.
 */
export class World implements ScopedWorld, TimerHome {
  readonly clock: Clock
  readonly startAt: number
  /** The calls in flight, for those who make them to fill: a deadlock names them. `sinceMs` is on the world's clock. */
  readonly open = new Map<string, { label: string; sinceMs: number }>()
  readonly #random: Random
  readonly #limits: WorldLimits
  readonly #timers = new TimerQueue<VirtualTimer>()
  readonly #byId = new Map<number, VirtualTimer>()
  readonly #ids = new WeakMap<VirtualTimer, number>()
  readonly #work = new OutsideWork()
  #nowMs: number
  #seq = 0
  #timerIds = firstTimerId
  #turns = 0
  #isStirred = false
  #failure: { error: unknown } | undefined
  #ran: 'not yet' | 'running' | { leftTimers: number } = 'not yet'

  constructor(options: WorldOptions) {
    const { random, startAt, ...limits } = checkedWorldOptions(options)
    this.#random = random
    this.#limits = limits
    this.startAt = this.#nowMs = startAt
    const timer = (ms: number, fire: () => void) => {
      if (ms === Infinity) return () => {}
      const set = this.setTimer(fire, Math.max(0, ms || 0))
      return () => void set.close()
    }
    this.clock = {
      mode: 'virtual',
      now: () => this.#nowMs,
      timer,
      sleep: (ms, signal) => sleepOn({ timer }, ms, signal),
    }
  }

  /** Kinds of things seen that do not follow this clock: their order is the operating system's, not the seed's. */
  get outside(): ReadonlySet<string> {
    return this.#work.seen
  }

  get over(): boolean {
    return typeof this.#ran === 'object'
  }

  get elapsedMs(): number {
    return this.#nowMs - this.startAt
  }

  /** Timers that have not fired yet; once the run is over, those that it left behind and that never will. */
  get pending(): number {
    return typeof this.#ran === 'object' ? this.#ran.leftTimers : this.#timers.size
  }

  /**
   * Runs the scenario in this world and gives its result. Fails with its error, with the first error that a timer's
   * callback throws, with MESH_DEADLOCK at once when nothing is left that could go on, and when a limit is reached.
   */
  async run<T>(scenario: () => T | Promise<T>): Promise<T> {
    assertNoWorld()
    if (this.#ran !== 'not yet') {
      throw new MeshError('MESH_UNSUPPORTED', 'simulate: a world runs only once', { fix: 'Create a new one.' })
    }
    this.#ran = 'running'
    let run: Run<T> = { state: 'running' }
    const unwatch = watchRealIo()
    shared.scope.run(this, () => {
      void Promise.resolve()
        .then(scenario)
        .then(
          (value) => (run = { state: 'succeeded', value }),
          (error: unknown) => this.fail(error),
        )
    })
    const outcome = (): Run<T> => (this.#failure ? { state: 'failed', ...this.#failure } : run)
    try {
      for (;;) {
        await this.#becomeIdle(() => outcome().state !== 'running')
        const now = outcome()
        if (now.state === 'succeeded') return now.value
        if (now.state === 'failed') throw now.error
        this.#step()
      }
    } finally {
      unwatch()
      this.#ran = { leftTimers: this.#timers.size }
      this.#timers.clear()
      this.#byId.clear()
    }
  }

  /** Does real work that cannot be seen from outside, such as a real request up to the end of its body, as real I/O of this world. */
  async track<T>(kind: string, work: () => T | Promise<T>): Promise<T> {
    const end = this.begin(kind)
    try {
      return await work()
    } finally {
      end()
    }
  }

  /**
   * Holds the clock while something is on its way inside the process, such as a request in an in-memory socket, until the
   * returned function is called. Unlike real I/O it says nothing against determinism.
   */
  hold(kind: string): () => void {
    return this.#work.hold(kind)
  }

  begin(kind: string): () => void {
    return this.#work.begin(kind)
  }

  stir(): void {
    this.#isStirred = true
    this.#work.move()
  }

  taint(kind: string): void {
    this.#work.seen.add(kind)
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  draw(stream: string): number {
    return this.#random.next('simulate', stream)
  }

  setTimer(callback: (this: VirtualTimer) => void, ms: number, repeat = false): VirtualTimer {
    const timer = new VirtualTimer(this, callback, ms, repeat)
    this.queue(timer)
    return timer
  }

  queue(timer: VirtualTimer): void {
    this.#timers.remove(timer)
    if (this.over) return
    timer.whenMs = this.#nowMs + timer.ms
    timer.seq = ++this.#seq
    this.#timers.add(timer)
    this.#work.move()
  }

  unqueue(timer: VirtualTimer): void {
    this.#timers.remove(timer)
    const id = this.#ids.get(timer)
    if (id !== undefined) this.#byId.delete(id)
  }

  idOf(timer: VirtualTimer): number {
    const known = this.#ids.get(timer)
    if (known !== undefined) return known
    const id = ++this.#timerIds
    this.#ids.set(timer, id)
    if (timer.slot >= 0) this.#byId.set(id, timer)
    return id
  }

  timerOf(id: number): VirtualTimer | undefined {
    return this.#byId.get(id)
  }

  /** Moves the clock to the earliest timer and calls it. */
  #step(): void {
    const timer = this.#timers.first
    if (!timer) {
      throw this.#stuck(
        'MESH_DEADLOCK',
        'nothing is scheduled and the scenario has not finished',
        'Something awaits what nobody is going to deliver. Real work inside goes through withReal().',
      )
    }
    if (timer.whenMs - this.startAt > this.#limits.maxVirtualMs) {
      throw this.#stuck(
        'MESH_TIME_LIMIT',
        `the next timer is due beyond maxVirtualMs: ${this.#limits.maxVirtualMs}`,
        'End the scenario earlier, clear the intervals it leaves behind, or raise maxVirtualMs.',
      )
    }
    this.#nowMs = Math.max(this.#nowMs, timer.whenMs)
    this.#timers.remove(timer)
    try {
      timer.fire()
    } catch (error) {
      this.fail(error)
    }
    if (timer.slot < 0) this.unqueue(timer)
  }

  /** Returns when only the clock can move the world on, or as soon as it has ended. */
  async #becomeIdle(hasEnded: () => boolean): Promise<void> {
    do {
      await this.#turn()
      if (hasEnded()) return
      if (this.#work.isUnderWay) await this.#waitForOutside(hasEnded)
    } while (this.#isStirred && !hasEnded())
  }

  async #turn(): Promise<void> {
    this.#isStirred = false
    if (++this.#turns > this.#limits.maxTurns) {
      throw this.#stuck(
        'MESH_LIVELOCK',
        `still not finished after maxTurns: ${this.#limits.maxTurns}`,
        'Look for a loop that never ends, or raise maxTurns.',
      )
    }
    await turn()
  }

  async #waitForOutside(hasEnded: () => boolean): Promise<void> {
    let { moves } = this.#work
    let sinceMs = natives.monotonicNow()
    for (let calm = 0, idle = 0; calm < calmTurns && !hasEnded();) {
      // Idle turns count against time only: how many there are is up to the machine.
      if (this.#work.moves !== moves) await this.#turn()
      else await (idle < hurriedTurns ? turn() : new Promise((resolve) => natives.setTimeout(resolve, 1)))
      const hasMoved = this.#work.moves !== moves
      calm = hasMoved || this.#work.isUnderWay ? 0 : calm + 1
      idle = hasMoved ? 0 : idle + 1
      if (hasMoved) sinceMs = natives.monotonicNow()
      moves = this.#work.moves
      const overdue = this.#work.overdue(natives.monotonicNow() - sinceMs, this.#limits)
      if (overdue) throw this.#stuck('MESH_LIMIT', overdue.what, overdue.fix)
    }
  }

  #stuck(code: MeshErrorCode, what: string, fix: string): MeshError {
    const at = (ms: number) => `${((ms - this.startAt) / 1000).toFixed(3)} s`
    const calls = [...this.open.values()].map(({ label, sinceMs }) => `${label} open since ${at(sinceMs)}`)
    const shown = calls.length > 20 ? [...calls.slice(0, 20), `and ${calls.length - 20} more open calls`] : calls
    if (this.outside.size) shown.push(`Seen outside the virtual clock: ${[...this.outside].join('; ')}`)
    return new MeshError(code, `simulate: ${what} (at ${at(this.#nowMs)} of virtual time)`, {
      details: shown,
      fix,
      seed: this.#random.used ? this.#random.seed : undefined,
    })
  }
}

/** Worlds do not nest: the time of the inner one would run within an instant of the outer one. */
export function assertNoWorld(): void {
  if (!liveWorld()) return
  throw new MeshError('MESH_UNSUPPORTED', 'simulate() inside simulate()', {
    fix: 'Run simulations one after the other, or side by side from outside.',
  })
}
