import { LightSignal } from '../call/light-signal.ts'

/** The signal of one call. */
export interface CallSignal {
  readonly signal: AbortSignal
  /** Lets go of the caller's signal and of the mesh: from now on neither aborts this one. Idempotent. */
  release(): void
}

/**
 * A signal of its own for each call in flight: it aborts when the caller goes away and when the mesh stops.
 *
 * `AbortSignal.any` with the one signal of the mesh would do the same, but whatever follows a signal stays in its list
 * until it is collected as garbage, and each newcomer walks through that list: calls would get slower the more there were
 * before. Here nothing that lives as long as the mesh knows more than the calls in flight.
 */
export class CallSignals {
  readonly #open = new Set<LightSignal>()

  open(caller?: AbortSignal): CallSignal {
    const controller = new LightSignal()
    const leave = () => controller.abort(caller?.reason)
    if (caller?.aborted) leave()
    else caller?.addEventListener('abort', leave, { once: true })
    this.#open.add(controller)
    return {
      signal: controller.signal,
      release: () => {
        caller?.removeEventListener('abort', leave)
        this.#open.delete(controller)
      },
    }
  }

  /** Calls that have not been released. */
  get size(): number {
    return this.#open.size
  }

  abortAll(reason: unknown): void {
    for (const controller of this.#open) controller.abort(reason)
    this.#open.clear()
  }
}
