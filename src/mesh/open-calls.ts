import type { Call } from '../call/call.ts'
import { MeshError } from '../errors.ts'
import type { Clock } from '../time/clock.ts'

interface OpenCall {
  readonly label: string
  readonly sinceMs: number
}

/** The calls in flight: what `settled` waits for and what a deadlock message lists. */
export class OpenCalls {
  readonly #clock: Clock
  readonly #calls = new Map<string, OpenCall>()
  readonly #waiters = new Set<() => void>()
  /** Where a simulation keeps its own list, while there is one. */
  #mirror: Map<string, OpenCall> | undefined
  #added = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns what to do when the call has ended. A call may be here twice: for its caller, and as work that goes on without one. */
  add({ id, edge, method, path }: Call, note = ''): () => void {
    const key = String(++this.#added)
    const entry = { label: `${id}  ${edge}  ${method} ${path}${note && `  (${note})`}`, sinceMs: this.#clock.now() }
    this.#calls.set(key, entry)
    // A simulation tells ages by its own clock, which is not shifted as the mesh's is.
    this.#mirror?.set(key, { ...entry, sinceMs: this.#clock.date?.() ?? entry.sinceMs })
    return () => {
      this.#calls.delete(key)
      this.#mirror?.delete(key)
      if (this.#calls.size === 0) this.#wake()
    }
  }

  /** Resolves when nothing is in flight. Throws MESH_NOT_SETTLED, with the calls that are, after `timeoutMs` on `clock`. */
  async settled(timeoutMs: number, clock: Clock): Promise<void> {
    if (this.#calls.size === 0) return
    const isEmpty = await new Promise<boolean>((resolve) => {
      const wake = () => {
        forget()
        resolve(true)
      }
      const forget = clock.timer(timeoutMs, () => {
        this.#waiters.delete(wake)
        resolve(false)
      })
      this.#waiters.add(wake)
    })
    if (isEmpty) return
    const count = this.#calls.size
    throw new MeshError(
      'MESH_NOT_SETTLED',
      `mesh.settled: ${count === 1 ? '1 call is' : `${count} calls are`} still open after ${timeoutMs} ms`,
      {
        details: this.lines(),
        fix: 'Take back the fault or release the gate that holds them, or raise timeoutMs.',
      },
    )
  }

  /** One line per open call: id, edge, request, age. */
  lines(): string[] {
    const now = this.#clock.now()
    return [...this.#calls.values()].map(({ label, sinceMs }) => `${label}  open for ${Math.round(now - sinceMs)} ms`)
  }

  /** Shows the open calls in a simulation's own list too, until `forget`. */
  mirrorTo(mirror: Map<string, OpenCall>): void {
    this.#mirror = mirror
  }

  /** The clock of these calls has stopped: nobody waits for them any more. */
  forget(): void {
    this.#mirror = undefined
    this.#calls.clear()
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiters) wake()
    this.#waiters.clear()
  }
}
