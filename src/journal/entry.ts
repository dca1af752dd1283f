import type { CallMode, Origin } from '../call/call.ts'
import type { ConnectionOutcome } from '../call/connection.ts'
import type { Outcome } from '../call/reply.ts'

export type CircuitStateName = 'closed' | 'open' | 'half-open' | 'isolated'

/**
 * Everything that is written down, by type. All values are plain JSON. Times are in `t`, set by the recorder: milliseconds
 * since the mesh started (since `simulate` started, inside it).
 */
export interface EntryData {
  'mesh.started': { mesh: string; seed: string; services: string[] }
  'mesh.stopped': Record<never, never>
  'simulation.started': { simulation: number }
  'simulation.ended': { simulation: number; virtualMs: number }
  /** A call was made (once per call, whatever the number of attempts). */
  'call.started': {
    call: string
    parent?: string
    edge: string
    mode: CallMode
    origin: Origin
    method: string
    path: string
    traceparent?: string
  }
  /** One try of a call left the caller. `attempt` is 0 for the first. */
  'attempt.started': { call: string; edge: string; attempt: number }
  'attempt.ended': {
    call: string
    edge: string
    attempt: number
    outcome: Outcome
    status?: number
    durationMs: number
  }
  /** The caller stopped waiting for the call, which is still under way; its end is written down a moment later. */
  'call.given-up': { call: string; edge: string }
  /** The caller has its answer. `attempts` counts tries, so 1 means no retry. `via` tells a fallback's answer. */
  'call.ended': {
    call: string
    edge: string
    outcome: Outcome
    status?: number
    durationMs: number
    attempts: number
    via?: string
    message?: string
  }
  /** A request reached a service, whether or not a handler takes it. */
  'request.received': {
    call: string
    edge: string
    service: string
    instance: string
    attempt: number
    method: string
    path: string
    headers: Record<string, string>
    body?: unknown
  }
  'retry.scheduled': { call: string; edge: string; attempt: number; delayMs: number; reason: string }
  'timeout.fired': { call: string; edge: string; attempt: number; afterMs: number }
  'fallback.used': { call: string; edge: string; reason: string; status: number }
  'bulkhead.rejected': { call: string; edge: string; active: number; queued: number }
  /** A circuit changed its state. `source` is who owns the breaker: the mesh, or the code under test (`observe`). */
  'circuit.changed': {
    edge: string
    from: CircuitStateName
    to: CircuitStateName
    reason: string
    call?: string
    failures?: number
    source: 'mesh' | 'observed'
  }
  'circuit.rejected': { edge: string; call?: string; source: 'mesh' | 'observed' }
  'fault.injected': { fault: string; kind: string; target: string; options: Record<string, unknown> }
  /** Bytes of a service with `tcp: true`: a client connected. `connection` is `c1` for the first one of the mesh. */
  'connection.opened': { connection: string; edge: string }
  /** Sent is what went from the client to the service, received what came back; both as far as they were handed on. */
  'connection.closed': {
    connection: string
    edge: string
    outcome: ConnectionOutcome
    bytesSent: number
    bytesReceived: number
    durationMs: number
    message?: string
  }
  /** Of a connection, `call` is its id and `attempt` 0. */
  'fault.hit': { fault: string; kind: string; call: string; edge: string; attempt: number }
  'fault.reverted': {
    fault: string
    kind: string
    reason: 'expired' | 'reverted' | 'used-up' | 'mesh-stopped'
    hits: number
  }
  'hold.arrived': { edge: string; call: string; waiting: number }
  'hold.released': { edge: string; calls: string[] }
  /** A finished span, ids in lower-case hex. */
  'span.ended': {
    traceId: string
    spanId: string
    parentSpanId?: string
    name: string
    kind: 'client' | 'server'
    service: string
    call: string
    attempt?: number
    startMs: number
    endMs: number
    status: 'unset' | 'error'
    attributes: Record<string, string | number | boolean>
  }
  /** Trace context as it stood on the wire. `sent`: what the callee got. `received`: what the caller had put there, if anything. */
  'trace.context': {
    call: string
    edge: string
    attempt: number
    received?: string
    receivedState?: string
    sent?: string
    sentState?: string
    origin: Origin
    underTest: boolean
  }
  'topology.changed': {
    change: 'service-added' | 'service-removed' | 'edge-added' | 'edge-removed' | 'policy-changed'
    service?: string
    edge?: string
    options?: Record<string, unknown>
  }
  /** A service asked its proxy for a host that is neither of the mesh nor this machine, and was refused. No mistake: browsers do. */
  'proxy.refused': { caller: string; host: string; port: number }
  /** A WebSocket was opened; `call` is its handshake. */
  'socket.opened': { call: string; edge: string; service: string; path: string; protocol?: string }
  /** A message went over a WebSocket. `text` stands for a text message up to 16 Ki characters. */
  'socket.message': {
    call: string
    edge: string
    direction: 'to-service' | 'to-client'
    bytes: number
    text?: string
  }
  /**
   * A WebSocket ended. `endedBy` tells who did it: the client, the service, the mesh (it stopped, or the edge was taken away), or a
   * fault (an outage). 1005: no code was given. 1006: the connection broke without a closing handshake.
   */
  'socket.closed': {
    call: string
    edge: string
    code: number
    reason?: string
    endedBy: 'client' | 'service' | 'mesh' | 'fault'
  }
  'reply.sequence': { service: string; route: string; replies: number }
  /** Something the author of the test did wrong; fails the test unless it failed already. */
  problem: { code: string; message: string; call?: string; edge?: string }
  /** Free for users and for other parts: `mesh.journal.note('order placed', {...})`. */
  note: { text: string; data?: unknown }
}

export type EntryType = keyof EntryData
export type Entry<T extends EntryType = EntryType> = {
  [K in T]: { readonly seq: number; readonly t: number; readonly type: K } & Readonly<EntryData[K]>
}[T]
