type Listener = (event: Event) => void
type AnyListener = Listener | { handleEvent(event: Event): void }

/**
 * An abort signal for inside the mesh, where every call has one and hardly any is ever used: it costs a small object, a
 * real one costs more than all else that the mesh does for a call. It is one in all that the mesh relies on; what is handed
 * to others is {@link realSignal}.
 */
export class LightSignal {
  #reason: unknown
  #aborted = false
  #listeners: AnyListener[] | undefined
  #real: AbortController | undefined

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  addEventListener(type: string, listener: AnyListener): void {
    if (type !== 'abort' || this.#aborted || this.#listeners?.includes(listener)) return
    if (this.#listeners) this.#listeners.push(listener)
    else this.#listeners = [listener]
  }

  removeEventListener(_type: string, listener: AnyListener): void {
    const place = this.#listeners?.indexOf(listener) ?? -1
    if (place !== -1) this.#listeners!.splice(place, 1)
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  /** Aborts once; without a reason it is an `AbortError`. Listeners hear it in the order in which they came. */
  abort(reason?: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    const event = new Event('abort')
    for (const listener of listeners)
      if (typeof listener === 'function') listener(event)
      else listener.handleEvent(event)
    this.#real?.abort(this.#reason)
  }

  /** A signal of the platform that follows this one. */
  get real(): AbortSignal {
    if (!this.#real) {
      this.#real = new AbortController()
      if (this.#aborted) this.#real.abort(this.#reason)
    }
    return this.#real.signal
  }

  /** As the rest of the mesh sees it. All that it asks of a signal is there. */
  get signal(): AbortSignal {
    return this as unknown as AbortSignal
  }
}

/** The signal as code outside the mesh may get it. */
export const realSignal = (signal: AbortSignal): AbortSignal =>
  'real' in signal ? (signal as unknown as LightSignal).real : signal
