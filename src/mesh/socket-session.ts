import type { Call } from '../call/call.ts'
import type { PeerSocket, SocketData } from '../call/socket.ts'
import type { Recorder } from '../journal/journal.ts'

/** What open sockets need of the mesh. */
export interface SocketContext {
  readonly record: Recorder['record']
  /** Aborts when the mesh stops. */
  readonly stopping: AbortSignal
  refuses(caller: string, callee: string): boolean
  onRefusalChange(listener: () => void): () => void
  /** Whether an edge has not been taken away. */
  isThere(edge: string): boolean
  /** Called when edges were taken away; returns the undo. */
  onLoss(listener: () => void): () => void
  problem(error: Error, call: Call): void
}

/** Text messages above this many characters are counted, not kept. */
const textLimit = 16 * 1024

/** What waits for a slow reader before the writer is held up, in bytes. */
const bufferLimit = 1024 * 1024

const encoder = new TextEncoder()

export interface SessionEvents {
  message(data: SocketData): void
  closed(code: number, reason: string): void
}

/**
 * One open WebSocket between a client and a service: writes down what travels, and ends with the mesh (1001), and with its
 * edge and an outage of that (RST).
 */
export class SocketSession {
  readonly #call: Call
  readonly #peer: PeerSocket
  readonly #context: SocketContext
  readonly #undos: (() => void)[] = []
  #isEnded = false

  constructor(call: Call, peer: PeerSocket, context: SocketContext) {
    this.#call = call
    this.#peer = peer
    this.#context = context
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  begin(events: SessionEvents): void {
    const { id, edge, callee, caller, path } = this.#call
    const { record, stopping, refuses, onRefusalChange, isThere, onLoss } = this.#context
    const { protocol } = this.#peer
    record('socket.opened', { call: id, edge, service: callee, path, ...(protocol && { protocol }) })
    this.#peer.listen({
      message: (data) => {
        if (this.#isEnded) return
        this.#note('to-service', data)
        events.message(data)
      },
      closed: (code, reason) => {
        this.#ended(code, reason, 'client')
        events.closed(code, reason)
      },
    })
    const stop = () => {
      if (this.#ended(1001, 'the mesh has stopped', 'mesh')) this.#peer.close(1001, 'the mesh has stopped')
    }
    stopping.addEventListener('abort', stop, { once: true })
    const follow = () => {
      if (refuses(caller, callee) && this.#ended(1006, '', 'fault')) this.#peer.reset()
    }
    const leave = () => {
      if (!isThere(edge) && this.#ended(1006, '', 'mesh')) this.#peer.reset()
    }
    this.#undos.push(() => stopping.removeEventListener('abort', stop), onRefusalChange(follow), onLoss(leave))
    // Both may have happened while the handshake was under way.
    if (stopping.aborted) stop()
    else {
      follow()
      leave()
    }
  }

  /** A message of the service. `source` is held up while the client reads too slowly. */
  send(data: SocketData, source?: Pick<PeerSocket, 'pause' | 'resume'>): void {
    if (this.#isEnded) return
    this.#note('to-client', data)
    passOn(data, this.#peer, source)
  }

  /** The service ends it. 1005 is no code, 1006 a broken connection. */
  close(code?: number, reason?: string): void {
    if (this.#isEnded) return
    if (code === 1006) {
      this.#ended(1006, '', 'service')
      return this.#peer.reset()
    }
    if (code === 1005) this.#peer.close()
    else this.#peer.close(code, reason)
    this.#ended(code ?? 1005, reason ?? '', 'service')
  }

  /** A pause or the end of one for what the client sends. */
  get client(): PeerSocket {
    return this.#peer
  }

  #ended(code: number, reason: string, endedBy: 'client' | 'service' | 'mesh' | 'fault'): boolean {
    if (this.#isEnded) return false
    this.#isEnded = true
    for (const undo of this.#undos.splice(0)) undo()
    const { id, edge } = this.#call
    this.#context.record('socket.closed', { call: id, edge, code, ...(reason && { reason }), endedBy })
    return true
  }

  #note(direction: 'to-service' | 'to-client', data: SocketData): void {
    const { id, edge } = this.#call
    const isText = typeof data === 'string'
    this.#context.record('socket.message', {
      call: id,
      edge,
      direction,
      bytes: isText ? encoder.encode(data).byteLength : data.byteLength,
      ...(isText && data.length <= textLimit && { text: data }),
    })
  }
}

/** Sends to a socket, and holds up where it comes from while too much of it waits. */
export function passOn(data: SocketData, to: PeerSocket, source?: Pick<PeerSocket, 'pause' | 'resume'>): void {
  if (!source || to.bufferedBytes < bufferLimit) return to.send(data)
  source.pause()
  to.send(data, () => source.resume())
}
