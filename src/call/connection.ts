import type { Clock } from '../time/clock.ts'

/** The way that bytes travel: `request` from the client to the service, `reply` back. */
export type Leg = 'request' | 'reply'

/**
 * How a connection of a byte service (`tcp: true`) ended. `ended`: both sides said so. `client-reset`, `service-reset`:
 * that side tore it down. `unreachable`: nothing answered at the upstream. `refused`, `reset`, `closed`, `limited`: a fault of the
 * mesh did it (an outage; a reset; a close; a limit). `stopped`: the mesh stopped, or the edge was taken away.
 */
export type ConnectionOutcome =
  'ended' | 'client-reset' | 'service-reset' | 'unreachable' | 'refused' | 'reset' | 'closed' | 'limited' | 'stopped'

/** What faults do to the bytes of one connection, on one leg, at this moment. */
export interface LinkShape {
  /** The connection ends now: `refused` (nothing listens) and `reset` with an RST, `closed` with a FIN. */
  readonly tornDown?: 'refused' | 'reset' | 'closed'
  /** No byte and no end of the stream passes. What is held meanwhile passes later. */
  readonly isStalled: boolean
  /** How long the nth chunk is on its way, in milliseconds; the same number each time. Absent without latency. */
  readonly delayMs?: (chunk: number) => number
  /** Absent without a limit of the bandwidth. */
  readonly bytesPerSecond?: number
  /** Pieces of at most so many bytes, with a pause after each. */
  readonly slice?: { readonly bytes: number; readonly delayMs: number }
  /** The connection ends once so many bytes have passed, counted from its beginning: with a FIN, or an RST. */
  readonly limit?: { readonly bytes: number; readonly end: 'limited' | 'reset' }
  /** Once so many bytes have passed, the next ones wait for `ms`. */
  readonly stall?: { readonly atBytes: number; readonly ms: number }
  /** How long the end of the stream is held back. */
  readonly closeDelayMs: number
}

/** No fault at all. */
export const clearLink: LinkShape = Object.freeze({ isStalled: false, closeDelayMs: 0 })

/** One connection on an edge, as the mesh keeps its book. */
export interface Connection {
  /** `c3` for the third connection of the mesh. */
  readonly id: string
  readonly bytesSent: number
  readonly bytesReceived: number
  shape(leg: Leg): LinkShape
  /** Bytes that were handed on. */
  count(leg: Leg, bytes: number): void
  /** Writes the end down, once; further ends are ignored. */
  close(outcome: ConnectionOutcome, message?: string): void
}

/** An edge to a service that speaks bytes, as a transport sees it. */
export interface ByteEdge {
  /** The real service, at this moment. */
  readonly upstream: { readonly host: string; readonly port: number }
  /** Whether at this moment nothing listens: an outage that spares nobody. */
  readonly isRefused: boolean
  readonly clock: Clock
  /** Called whenever faults may have changed; returns the undo. */
  onChange(listener: () => void): () => void
  /** Takes down a connection that a client has opened. */
  open(): Connection
}
