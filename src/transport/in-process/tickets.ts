import { AsyncResource } from 'node:async_hooks'
import type { Travel } from '../wire.ts'
import { natives } from '../../time/natives.ts'
import { turns } from '../../time/turns.ts'
import type { Place } from './open-doors.ts'

/** Tickets of requests that neither arrived nor ended; more than this were lost on the way, the oldest are forgotten. */
const MOST_TICKETS = 10_000

/** Turns of the event loop after which bytes that still travel are taken to wait for something else than for turns. */
const MOST_TURNS_HELD = 50

/** And so many real milliseconds: a client may have work of its own under way on another thread, such as compiling. */
const MOST_MS_HELD = 20

/** Turns between two chunks of a streamed response. */
const TURNS_BETWEEN_CHUNKS = 8

/**
 * One request's identity, from the line that made it to the mesh's door, and the hold that it has on the clock of a
 * virtual time while its bytes travel.
 */
export class Ticket implements Travel {
  readonly id: string
  /** Undefined: made by code whose mesh has stopped. */
  readonly place: Place | undefined
  /** Runs a function in the async context in which the request was made. */
  readonly run: <T>(work: () => T) => T
  readonly #forget: () => void
  #release: (() => void) | undefined
  #turnsLeft = 0
  #heldUntilMs = 0
  #isConsumed = false

  constructor(id: string, place: Place | undefined, forget: () => void) {
    this.id = id
    this.place = place
    this.#forget = forget
    // What AsyncLocalStorage.snapshot() does, at a fraction of its price: one is made for each request.
    const context = new AsyncResource('MESHWRIGHT_REQUEST')
    this.run = (work) => context.runInAsyncScope(work)
    this.#hold('request')
  }

  #hold(kind: string): void {
    const world = this.place?.world
    if (!world || this.#isConsumed) return
    this.#turnsLeft = MOST_TURNS_HELD
    this.#heldUntilMs = natives.monotonicNow() + MOST_MS_HELD
    if (this.#release) return
    this.#release = world.hold(kind)
    void this.#watch()
  }

  // A request that queues for a socket, an upload that pauses, a response that nobody reads: all may wait for the very
  // clock that they would stop.
  async #watch(): Promise<void> {
    const release = this.#release
    while (this.#release === release) {
      if (this.#turnsLeft-- <= 0 && natives.monotonicNow() >= this.#heldUntilMs) return this.#letGo()
      await turns(1)
    }
  }

  #letGo(): void {
    this.#release?.()
    this.#release = undefined
  }

  /** The request is on its way, perhaps after it waited for a connection. */
  leaves(): void {
    this.#hold('request')
  }

  /** The request is at the door: time may pass again. */
  arrives(): void {
    this.#letGo()
  }

  begins(): void {
    this.#hold('response')
  }

  async ends(): Promise<void> {
    if (!this.#release) return
    await turns(TURNS_BETWEEN_CHUNKS)
    this.#letGo()
  }

  /** The client has the whole response, or wants none. */
  consumed(): void {
    this.#isConsumed = true
    this.#letGo()
    this.#forget()
  }
}

/** The tickets in use, by id. */
export class Tickets {
  readonly #used = new Map<string, Ticket>()
  #count = 0

  issue(place: Place | undefined): Ticket {
    const id = String(++this.#count)
    const ticket = new Ticket(id, place, () => this.#used.delete(id))
    this.#used.set(id, ticket)
    if (this.#used.size > MOST_TICKETS) this.#used.values().next().value?.consumed()
    return ticket
  }

  find(id: string): Ticket | undefined {
    return this.#used.get(id)
  }

  get size(): number {
    return this.#used.size
  }
}
