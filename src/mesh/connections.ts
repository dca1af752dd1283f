import { edgeName } from '../call/call.ts'
import type { Call } from '../call/call.ts'
import type { ByteEdge, Connection, ConnectionOutcome, Leg, LinkShape } from '../call/connection.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Clock } from '../time/clock.ts'
import { parseTcpAddress } from '../topology/tcp.ts'

/** A connection of a byte service, as a test sees it. */
export interface ConnectionFacts {
  /** `c3` for the third connection of the mesh. */
  readonly id: string
  readonly isOpen: boolean
  /** How it ended; undefined while it is open. */
  readonly outcome: ConnectionOutcome | undefined
  /** Bytes that were handed on to the service, and to the client. */
  readonly bytesSent: number
  readonly bytesReceived: number
}

export interface ConnectionsContext {
  readonly clock: Clock
  readonly record: Recorder['record']
  /** Where the bytes of a service go at this moment; undefined for one that is gone. */
  readonly upstreamOf: (service: string) => string | undefined
  readonly faults: {
    refusesBytes(caller: string, callee: string): boolean
    /** Follows one connection: what the faults of the moment make of it, and its end. */
    meet(connection: Call, bytes: (leg: Leg) => number): { shape(leg: Leg): LinkShape; leave(): void }
    onChange(listener: () => void): () => void
  }
}

/** The books of the connections to services that carry bytes. */
export class Connections {
  readonly #context: ConnectionsContext
  readonly #byEdge = new Map<string, ConnectionFacts[]>()
  #opened = 0

  constructor(context: ConnectionsContext) {
    this.#context = context
  }

  /** All connections on an edge, oldest first. */
  on(edge: string): readonly ConnectionFacts[] {
    return (this.#byEdge.get(edge) ?? []).map((facts) => ({ ...facts }))
  }

  edge(caller: string, callee: string): ByteEdge {
    const { clock, faults, upstreamOf } = this.#context
    return {
      get upstream() {
        // A service that was removed has no address any more; its ports are closed in the same moment.
        return parseTcpAddress(upstreamOf(callee) ?? '') ?? { host: '127.0.0.1', port: 1 }
      },
      get isRefused() {
        return faults.refusesBytes(caller, callee)
      },
      clock,
      onChange: (listener) => faults.onChange(listener),
      open: () => this.#open(caller, callee),
    }
  }

  #open(caller: string, callee: string): Connection {
    const { clock, record, faults } = this.#context
    const edge = edgeName(caller, callee)
    const id = `c${++this.#opened}`
    const openedMs = clock.now()
    const bytes = { request: 0, reply: 0 }
    let outcome: ConnectionOutcome | undefined
    const facts: ConnectionFacts = {
      id,
      get isOpen() {
        return outcome === undefined
      },
      get outcome() {
        return outcome
      },
      get bytesSent() {
        return bytes.request
      },
      get bytesReceived() {
        return bytes.reply
      },
    }
    const known = this.#byEdge.get(edge) ?? []
    this.#byEdge.set(edge, known)
    known.push(facts)
    record('connection.opened', { connection: id, edge })
    const view = faults.meet(asCall({ id, caller, callee, edge, nth: known.length }), (leg) => bytes[leg])
    return {
      id,
      get bytesSent() {
        return bytes.request
      },
      get bytesReceived() {
        return bytes.reply
      },
      shape: (leg) => view.shape(leg),
      count: (leg, count) => void (bytes[leg] += count),
      close(how, message) {
        if (outcome !== undefined) return
        outcome = how
        record('connection.closed', {
          connection: id,
          edge,
          outcome,
          bytesSent: bytes.request,
          bytesReceived: bytes.reply,
          durationMs: Math.round((clock.now() - openedMs) * 1_000) / 1_000,
          ...(message && { message }),
        })
        view.leave()
      },
    }
  }
}

const never = new AbortController().signal

/** What the `when` of a fault is asked with: a connection in the clothes of a call, with `TCP` for its method. */
const asCall = (known: Pick<Call, 'id' | 'caller' | 'callee' | 'edge' | 'nth'>): Call =>
  Object.freeze({
    ...known,
    mode: 'sync' as const,
    origin: 'listener' as const,
    method: 'TCP',
    path: '',
    url: `tcp://${known.callee}`,
    headers: [],
    body: null,
    attempt: 0,
    hops: [known.caller, known.callee],
    signal: never,
  })
