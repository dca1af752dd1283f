import type { SocketData } from '../call/socket.ts'

/** What MSW hands to its handlers. Node's own MessageEvent cannot be cancelled, so these are events of our own. */
export class SocketMessageEvent extends Event {
  /** Binary messages come as an `ArrayBuffer`, as in a client with `binaryType = 'arraybuffer'`. */
  readonly data: string | ArrayBuffer
  readonly origin: string

  constructor(data: SocketData, origin: string) {
    super('message', { cancelable: true })
    this.data = typeof data === 'string' ? data : bufferOf(data)
    this.origin = origin
  }
}

export class SocketCloseEvent extends Event {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean

  constructor(code: number, reason: string) {
    super('close', { cancelable: true })
    this.code = code
    this.reason = reason
    this.wasClean = code !== 1006
  }
}

/** A copy, because the bytes may lie in a buffer that is used again. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.byteLength)
  new Uint8Array(copy).set(bytes)
  return copy
}

type Callback = ((event: never) => unknown) | { handleEvent(event: never): unknown }

/**
 * The listeners of one side of a connection. `run` calls each of them: it knows in which scope, and what becomes of what
 * they throw, which would end the process if it were left to an `EventTarget`.
 */
export class SocketListeners {
  readonly #target = new EventTarget()
  readonly #wrapped = new Map<string, WeakMap<Callback, (event: Event) => void>>()
  readonly #run: (listener: () => unknown) => void

  constructor(run: (listener: () => unknown) => void) {
    this.#run = run
  }

  add(type: string, listener: Callback, options?: AddEventListenerOptions | boolean): void {
    const known = this.#wrapped.get(type) ?? new WeakMap<Callback, (event: Event) => void>()
    this.#wrapped.set(type, known)
    let wrapped = known.get(listener)
    if (!wrapped) {
      const call = typeof listener === 'function' ? listener : listener.handleEvent.bind(listener)
      wrapped = (event) => this.#run(() => call(event as never))
      known.set(listener, wrapped)
    }
    this.#target.addEventListener(type, wrapped, options)
  }

  remove(type: string, listener: Callback, options?: EventListenerOptions | boolean): void {
    const wrapped = this.#wrapped.get(type)?.get(listener)
    if (wrapped) this.#target.removeEventListener(type, wrapped, options)
  }

  /** Whether no listener has prevented what follows by default. */
  dispatch(event: Event): boolean {
    return this.#target.dispatchEvent(event)
  }
}

export type SocketCallback = Callback
