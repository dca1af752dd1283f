import type { Call } from '../call/call.ts'
import type { Filter } from '../call/filter.ts'
import { MeshError } from '../errors.ts'
import type { Recorder } from '../journal/journal.ts'
import { describeValue } from '../nearest.ts'

/** Holds the replies of an edge until they are released. */
export interface Gate extends Disposable {
  /** Replies held right now. */
  readonly waiting: number
  /** Resolves once `n` replies (1 by default) are held at the same time. Rejects when the gate is released before. */
  arrived(n?: number): Promise<void>
  /** Lets all held replies go and holds no more. Idempotent. */
  release(): void
}

interface Waiter {
  readonly n: number
  readonly wake: () => void
  readonly fail: (error: Error) => void
}

/** All gates of one mesh. */
export class Gates {
  readonly #byEdge = new Map<string, Set<HeldEdge>>()
  readonly #record: Recorder['record']

  constructor(record: Recorder['record']) {
    this.#record = record
  }

  hold(edge: string): Gate {
    const gate = new HeldEdge(edge, this.#record, () => this.#byEdge.get(edge)?.delete(gate))
    const gates = this.#byEdge.get(edge)
    if (gates) gates.add(gate)
    else this.#byEdge.set(edge, new Set([gate]))
    return gate
  }

  /** Whether replies on this edge may have to wait. */
  holds(edge: string): boolean {
    return (this.#byEdge.get(edge)?.size ?? 0) > 0
  }

  readonly filter: Filter = async (call, next) => {
    const reply = await next(call)
    for (const gate of this.#byEdge.get(call.edge) ?? []) await gate.pass(call)
    return reply
  }

  releaseAll(): void {
    for (const gates of this.#byEdge.values()) for (const gate of [...gates]) gate.release()
  }
}

class HeldEdge implements Gate {
  readonly #edge: string
  readonly #record: Recorder['record']
  readonly #gone: () => void
  readonly #held = new Map<Call, () => void>()
  #waiters: Waiter[] = []
  #released = false

  constructor(edge: string, record: Recorder['record'], gone: () => void) {
    this.#edge = edge
    this.#record = record
    this.#gone = gone
  }

  get waiting(): number {
    return this.#held.size
  }

  pass(call: Call): Promise<void> {
    if (this.#released || call.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const go = () => {
        call.signal.removeEventListener('abort', go)
        this.#held.delete(call)
        resolve()
      }
      call.signal.addEventListener('abort', go, { once: true })
      this.#held.set(call, go)
      this.#record('hold.arrived', { edge: this.#edge, call: call.id, waiting: this.#held.size })
      this.#waiters = this.#waiters.filter((waiter) => {
        if (this.#held.size < waiter.n) return true
        waiter.wake()
        return false
      })
    })
  }

  arrived(n = 1): Promise<void> {
    if (!(Number.isInteger(n) && n >= 1)) return Promise.reject(this.#noCount(n))
    if (this.#held.size >= n) return Promise.resolve()
    if (this.#released) return Promise.reject(this.#tooLate(n))
    return new Promise((wake, fail) => this.#waiters.push({ n, wake, fail }))
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#gone()
    this.#record('hold.released', { edge: this.#edge, calls: [...this.#held.keys()].map((call) => call.id) })
    for (const { n, fail } of this.#waiters) fail(this.#tooLate(n))
    this.#waiters = []
    for (const go of [...this.#held.values()]) go()
  }

  #noCount(n: unknown): MeshError {
    return new MeshError(
      'MESH_INVALID_OPTION',
      `hold('${this.#edge}'): arrived() takes an integer >= 1, got ${describeValue(n)}`,
    )
  }

  #tooLate(n: number): MeshError {
    const held = `${this.#held.size} of ${n}`
    return new MeshError('MESH_STOPPED', `hold('${this.#edge}'): the gate was released with ${held} replies held`, {
      fix: 'Await arrived() before release(), and while the mesh runs.',
    })
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
