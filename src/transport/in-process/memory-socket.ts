import { AsyncResource } from 'node:async_hooks'
import { Duplex } from 'node:stream'
import type { Clock } from '../../time/clock.ts'
import { readReset } from '../wire-errors.ts'

// Taken at import, so that faked timers cannot hold up bytes.
const { nextTick } = process

/** What an end emits in the very moment in which the other one is destroyed, before it learns so from the connection. */
export const ABANDONED = 'meshwright:abandoned'

type Done = (error?: Error | null) => void

/** As much as Node's own streams of files and undici's of plain sockets. */
const BUFFER_BYTES = 64 * 1024

export interface MemorySocketOptions {
  /** The port that the client wanted. */
  readonly port: number
  /** The clock that an idle time-out is measured on, asked for when the time-out is set. */
  readonly clock: () => Clock | undefined
}

/**
 * One end of a connection that never leaves the process: what one end writes the other reads, on a later tick and with
 * backpressure, as over a socket. It has those members of `net.Socket` that HTTP clients and servers use.
 */
export class MemorySocket extends Duplex {
  connecting = true
  readonly remoteAddress = '127.0.0.1'
  readonly remoteFamily = 'IPv4'
  readonly localAddress = '127.0.0.1'
  readonly localFamily = 'IPv4'
  readonly localPort = 0
  readonly remotePort: number
  bytesRead = 0
  bytesWritten = 0
  timeout?: number

  readonly #options: MemorySocketOptions
  // Events of a socket run in the context that made it, not in that of whoever wrote at the other end.
  readonly #context = new AsyncResource('MESHWRIGHT_SOCKET')
  #peer!: MemorySocket
  #wantsMore: Done | undefined
  #idle: { clock: Clock; limitMs: number; lastActiveMs: number; stop: () => void } | undefined

  /** The two ends of a new connection, not yet connected. */
  static pair(options: MemorySocketOptions): { client: MemorySocket; server: MemorySocket } {
    const client = new MemorySocket(options, false)
    const server = new MemorySocket(options, true)
    client.#peer = server
    server.#peer = client
    server.connecting = false
    return { client, server }
  }

  private constructor(options: MemorySocketOptions, allowHalfOpen: boolean) {
    super({ allowHalfOpen, highWaterMark: BUFFER_BYTES })
    this.#options = options
    this.remotePort = options.port
  }

  get pending(): boolean {
    return this.connecting
  }

  get readyState(): string {
    if (this.connecting) return 'opening'
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  address(): { address: string; family: string; port: number } {
    return { address: this.localAddress, family: this.localFamily, port: this.localPort }
  }

  /** Emits 'timeout' when nothing was read or written for `ms` milliseconds of the mesh's clock; 0 switches it off. */
  setTimeout(ms: number, listener?: () => void): this {
    this.#idle?.stop()
    this.#idle = undefined
    this.timeout = ms
    if (listener) {
      if (ms === 0) this.off('timeout', listener)
      else this.once('timeout', listener)
    }
    const clock = this.#options.clock()
    if (ms > 0 && clock && !this.destroyed) this.#watchIdle(clock, ms, ms, clock.now())
    return this
  }

  #watchIdle(clock: Clock, limitMs: number, afterMs: number, lastActiveMs: number): void {
    const idle = { clock, limitMs, lastActiveMs, stop: () => {} }
    idle.stop = clock.timer(afterMs, () => {
      const leftMs = idle.lastActiveMs + limitMs - clock.now()
      if (leftMs > 0) return this.#watchIdle(clock, limitMs, leftMs, idle.lastActiveMs)
      this.#idle = undefined
      this.#context.runInAsyncScope(() => this.emit('timeout'))
    })
    this.#idle = idle
  }

  #touch(): void {
    if (this.#idle) this.#idle.lastActiveMs = this.#idle.clock.now()
  }

  setKeepAlive(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setTypeOfService(): this {
    return this
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }

  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  /** RST: the other end learns of it at once, whatever it has not read yet is lost. */
  resetAndDestroy(): this {
    this.#peer.destroy(readReset())
    return this.destroy()
  }

  override _read(): void {
    const done = this.#wantsMore
    this.#wantsMore = undefined
    done?.()
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#send(Buffer.from(chunk), done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  /** `bytes` must be a copy: the reader may keep them, the writer may use its own again. */
  #send(bytes: Buffer, done: Done): void {
    this.bytesWritten += bytes.byteLength
    this.#touch()
    // Never in the same tick: clients are not written for answers that come while they still write.
    nextTick(() => this.#peer.#receive(bytes, done))
  }

  #receive(bytes: Buffer, done: Done): void {
    if (this.destroyed) return done()
    this.bytesRead += bytes.byteLength
    this.#touch()
    this.#context.runInAsyncScope(() => {
      if (this.push(bytes)) done()
      else this.#wantsMore = done
    })
  }

  override _final(done: Done): void {
    nextTick(() => {
      this.#peer.#ended()
      done()
    })
  }

  #ended(): void {
    if (!this.destroyed && !this.readableEnded) this.#context.runInAsyncScope(() => this.push(null))
  }

  override _destroy(error: Error | null, done: Done): void {
    this.connecting = false
    this.#idle?.stop()
    this.#idle = undefined
    this._read()
    const peer = this.#peer
    // Said at once, for those who must know before whoever destroyed this end goes on; the FIN takes its tick.
    if (!peer.destroyed) peer.#context.runInAsyncScope(() => peer.emit(ABANDONED))
    nextTick(() => peer.#orphaned())
    done(error)
  }

  /** The other end is gone: what it wrote can still be read, then comes the FIN. */
  #orphaned(): void {
    this._read()
    if (this.destroyed) return
    this.#ended()
    // A server would learn from its next write only; ours must stop working for a client that left.
    if (this.allowHalfOpen) this.#context.runInAsyncScope(() => this.destroy())
  }
}
