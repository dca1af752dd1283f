import type { Socket } from 'node:net'
import type { Connection, Leg } from '../call/connection.ts'
import type { Accuracy, Clock } from '../time/clock.ts'
import { natives } from '../time/natives.ts'

/** What one leg keeps at most, before the sender has to wait. Latency times bandwidth has to fit in. */
const bufferBytes = 1 << 20
/** With a limited bandwidth bytes leave in pieces that take so long, so that they trickle and do not come in bursts. */
const pieceMs = 20

interface Chunk {
  bytes: Buffer
  readonly arrivedMs: number
  readonly nth: number
}

/** Until the next try: so many milliseconds, Infinity when something else will tell. */
interface Wait {
  readonly ms: number
  /** What a fault delays is measured by its users; a pace comes right by itself, because it is kept by due times. */
  readonly accuracy?: Accuracy
}

const untilTold: Wait = { ms: Infinity }

export interface PipeOptions {
  readonly from: Socket
  readonly to: Socket
  readonly leg: Leg
  readonly connection: Connection
  readonly clock: Clock
  /** The sender tore its connection down, and what it had sent before is through. */
  readonly onBroken: () => void
  /** The limit of a fault is reached. */
  readonly onLimit: (end: 'limited' | 'reset') => void
}

/**
 * One leg of a connection: bytes go in at one socket and out at the other, in order, with backpressure, as fast as the
 * faults of this moment let them. Nothing is drawn ahead: a fault that begins or ends changes what becomes of the bytes
 * that are held right now.
 */
export class Pipe {
  readonly #options: PipeOptions
  readonly #held: Chunk[] = []
  #heldBytes = 0
  #chunks = 0
  /** When the sender ended its stream. */
  #endedMs: number | undefined
  #isBroken = false
  #isDone = false
  /** The piece that is on the wire of limited bandwidth. */
  #serving: { readonly bytes: number; readonly sinceMs: number } | undefined
  /** When the wire was last free, so that late timers do not add up. */
  #freeMs = 0
  /** When the pause between two slices is over. */
  #pauseUntilMs = 0
  #isDraining = false
  /** When a stall in the middle began. */
  #stalledMs: number | undefined
  #stopWaiting: (() => void) | undefined
  #isReady: boolean

  /** `isReady`: whether the receiving socket is connected; until `ready`, bytes are held. */
  constructor(options: PipeOptions, isReady: boolean) {
    this.#options = options
    this.#isReady = isReady
    const { from, to } = options
    from.on('data', (bytes: Buffer) => this.#take(bytes))
    from.once('end', () => this.#ended())
    to.on('drain', () => {
      this.#isDraining = false
      this.#freeMs = options.clock.now()
      this.#pump()
    })
  }

  /** The receiving socket is connected. */
  ready(): void {
    this.#isReady = true
    this.#freeMs = this.#options.clock.now()
    this.#pump()
  }

  /** The sender tore its connection down. That is told behind the bytes that are held. */
  breakOff(): void {
    this.#isBroken = true
    this.#ended()
  }

  /** Holds and sends no more. */
  stop(): void {
    this.#isDone = true
    this.#held.length = 0
    this.#heldBytes = 0
    this.#unwait()
  }

  /** The faults have changed. */
  changed(): void {
    // What lies on the wire is served again, at the rate of now.
    this.#serving = undefined
    this.#freeMs = Math.max(this.#freeMs, this.#options.clock.now())
    this.#pump()
  }

  /** Hands on what may go now, and comes back when the next piece may. */
  #pump(): void {
    this.#unwait()
    // Who tore a connection down waits for nobody to read on.
    while (!this.#isDone && this.#isReady && (!this.#isDraining || this.#isBroken)) {
      const wait = this.#step()
      if (!wait) continue
      if (wait.ms < Infinity) this.#wait(wait)
      break
    }
    const { from } = this.#options
    if (this.#heldBytes >= bufferBytes) from.pause()
    else if (from.isPaused()) from.resume()
  }

  #ended(): void {
    this.#endedMs ??= this.#options.clock.now()
    this.#pump()
  }

  #take(bytes: Buffer): void {
    if (this.#isDone) return
    this.#held.push({ bytes, arrivedMs: this.#options.clock.now(), nth: this.#chunks++ })
    this.#heldBytes += bytes.byteLength
    // A timer that is set is that of bytes before these.
    if (this.#stopWaiting) {
      if (this.#heldBytes >= bufferBytes) this.#options.from.pause()
    } else this.#pump()
  }

  /** One piece. Undefined when it went, else how long until the next try. */
  #step(): Wait | undefined {
    const { connection, leg, clock } = this.#options
    const shape = connection.shape(leg)
    if (shape.isStalled) return untilTold
    const now = clock.now()
    const chunk = this.#held[0]
    if (!chunk) return this.#end(now, shape.closeDelayMs + (shape.delayMs?.(this.#chunks) ?? 0))

    const { slice, bytesPerSecond, limit, stall } = shape
    const availableMs = chunk.arrivedMs + (shape.delayMs?.(chunk.nth) ?? 0)
    if (availableMs > now) return { ms: availableMs - now, accuracy: 'precise' }
    const dueMs = slice ? Math.max(availableMs, this.#pauseUntilMs) : availableMs
    if (dueMs > now) return { ms: dueMs - now }

    let size = chunk.bytes.byteLength
    if (slice) size = Math.min(size, slice.bytes)
    const carried = passed(connection, leg)
    if (limit) size = Math.min(size, limit.bytes - carried)
    if (stall && carried < stall.atBytes) size = Math.min(size, stall.atBytes - carried)
    if (stall && carried === stall.atBytes) {
      // `pump` comes back when the wait is over, or when the fault is.
      this.#stalledMs ??= now
      const stallMs = this.#stalledMs + stall.ms - now
      if (stallMs > 0) return { ms: stallMs, accuracy: 'precise' }
      this.#freeMs = Math.max(this.#freeMs, this.#stalledMs + stall.ms)
    } else this.#stalledMs = undefined
    if (bytesPerSecond !== undefined) {
      size = this.#serving?.bytes ?? Math.min(size, Math.max(1, Math.floor((bytesPerSecond * pieceMs) / 1_000)))
      this.#serving ??= { bytes: size, sinceMs: Math.max(this.#freeMs, dueMs) }
      const servedMs = this.#serving.sinceMs + (size / bytesPerSecond) * 1_000
      if (servedMs > now) return { ms: servedMs - now }
      this.#serving = undefined
      this.#freeMs = servedMs
    }
    if (size > 0) this.#send(chunk, size)
    if (limit && passed(connection, leg) >= limit.bytes) {
      this.#options.onLimit(limit.end)
      return untilTold
    }
    if (!slice) return undefined
    this.#pauseUntilMs = clock.now() + slice.delayMs
    // Written at once, the kernel would put the slices together again.
    return this.#held.length > 0 ? { ms: slice.delayMs } : undefined
  }

  #send(chunk: Chunk, size: number): void {
    const { to, connection, leg } = this.#options
    const isWhole = size === chunk.bytes.byteLength
    const piece = isWhole ? chunk.bytes : chunk.bytes.subarray(0, size)
    if (isWhole) this.#held.shift()
    else chunk.bytes = chunk.bytes.subarray(size)
    this.#heldBytes -= size
    connection.count(leg, size)
    if (!to.write(piece)) this.#isDraining = true
  }

  #end(now: number, delayMs: number): Wait {
    if (this.#endedMs === undefined) return untilTold
    const dueMs = this.#endedMs + delayMs
    if (dueMs > now) return { ms: dueMs - now, accuracy: 'precise' }
    this.#isDone = true
    if (this.#isBroken) this.#options.onBroken()
    else this.#options.to.end()
    return untilTold
  }

  #wait({ ms, accuracy }: Wait): void {
    const again = () => {
      this.#stopWaiting = undefined
      this.#pump()
    }
    if (ms > 0) return void (this.#stopWaiting = this.#options.clock.timer(ms, again, accuracy))
    const immediate = natives.setImmediate(again)
    this.#stopWaiting = () => natives.clearImmediate(immediate)
  }

  #unwait(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
  }
}

const passed = ({ bytesSent, bytesReceived }: Connection, leg: Leg): number =>
  leg === 'request' ? bytesSent : bytesReceived
