import { AsyncResource } from 'node:async_hooks'
import { natives } from './natives.ts'
import type { Queued } from './timer-queue.ts'

const brand = Symbol.for('meshwright/timer')

/** The world that a timer lives in, as far as the timer knows it. */
export interface TimerHome {
  readonly over: boolean
  /** Queues the timer, or queues it anew, to fire `timer.ms` from now. */
  queue(timer: VirtualTimer): void
  unqueue(timer: VirtualTimer): void
  /** A number under which `clearTimeout` finds the timer. */
  idOf(timer: VirtualTimer): number
}

/** What `setTimeout` and `setInterval` return inside a world: the whole surface of Node's `Timeout`. */
export class VirtualTimer implements Queued {
  whenMs = 0
  seq = 0
  slot = -1
  readonly [brand] = true
  readonly ms: number
  readonly #repeat: boolean
  readonly #home: TimerHome
  readonly #callback: (this: VirtualTimer) => void
  // The callback runs in the async context that set the timer, for the sake of everyone's AsyncLocalStorage.
  readonly #context = new AsyncResource('MeshwrightTimer')
  #state: 'waiting' | 'fired' | 'closed' = 'waiting'
  #isRefed = true
  #real: NodeJS.Timeout | undefined

  constructor(home: TimerHome, callback: (this: VirtualTimer) => void, ms: number, repeat: boolean) {
    this.#home = home
    this.#callback = callback
    this.ms = ms
    this.#repeat = repeat
  }

  /** Recognises timers of any world of any copy of this package. */
  static is(value: unknown): value is VirtualTimer {
    return typeof value === 'object' && value !== null && brand in value
  }

  /** Runs the callback, once; what it throws goes to the caller. An interval is queued again afterwards, as in Node. */
  fire(): void {
    this.#state = 'fired'
    try {
      this.#context.runInAsyncScope(this.#callback, this)
    } finally {
      if (this.#repeat) this.refresh()
    }
  }

  /** Starts the delay anew, also after the timer has fired; does nothing once it is closed. */
  refresh(): this {
    if (this.#state === 'closed') return this
    this.#state = 'waiting'
    if (this.#home.over) this.#arm()
    else this.#home.queue(this)
    return this
  }

  /** A connection pool that met a world may keep one of its timers and refresh it long afterwards: it then ticks for real. */
  #arm(): void {
    natives.clearTimeout(this.#real)
    this.#real = natives.setTimeout(() => this.fire(), this.ms)
    if (!this.#isRefed) this.#real.unref()
  }

  close(): this {
    this.#state = 'closed'
    natives.clearTimeout(this.#real)
    this.#home.unqueue(this)
    return this
  }

  /** Whether a world's timer is ref'ed changes nothing but `hasRef`: it fires all the same. */
  ref(): this {
    this.#isRefed = true
    this.#real?.ref()
    return this
  }

  unref(): this {
    this.#isRefed = false
    this.#real?.unref()
    return this
  }

  hasRef(): boolean {
    return this.#isRefed
  }

  [Symbol.toPrimitive](): number {
    return this.#home.idOf(this)
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
