import type { Leg } from '../../call/connection.ts'
import { MeshError } from '../../errors.ts'
import { describeValue } from '../../nearest.ts'
import type { FaultBehaviour, FaultKind } from '../fault.ts'
import { validateNumbers } from '../validate.ts'

export interface SliceOptions {
  /** The most bytes that arrive in one piece, an integer from 1. */
  bytes: number
  /** Pause after each piece, in milliseconds. Default 0: the pieces are written one by one, and may still be read together. */
  delayMs?: number
  /** Only what goes to the service (`request`), or what comes back (`reply`). Default: both. */
  leg?: Leg
}

export interface LimitOptions {
  /** Bytes that pass, an integer from 1, counted from when the fault meets the connection; then it is closed. */
  bytes: number
  /** Whose bytes are counted. Default `reply`: what comes back from the service. */
  leg?: Leg
}

export interface SlowCloseOptions {
  /** How much later the end of a stream arrives, in milliseconds. */
  ms: number
}

/** A fault of bytes alone. Never asked to act on a call: its targets carry none. */
const ofBytes = (kind: FaultKind, options: object): FaultBehaviour => ({
  kind,
  options: { ...options },
  act: (call, next) => next(call),
})

function wholeBytes(kind: string, options: { bytes: number }): void {
  validateNumbers(kind, options, { bytes: [1, Infinity] }, {})
  if (!Number.isInteger(options.bytes))
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `chaos.${kind}: expected \`bytes\` to be an integer, got ${describeValue(options.bytes)}`,
    )
}

export function slice(options: SliceOptions): FaultBehaviour {
  wholeBytes('slice', options)
  validateNumbers('slice', options, {}, { delayMs: [0, Infinity] })
  const { bytes, delayMs, leg } = options
  return ofBytes('slice', { bytes, ...(delayMs && { delayMs }), ...(leg && { leg }) })
}

export function limit(options: LimitOptions): FaultBehaviour {
  wholeBytes('limit', options)
  const { bytes, leg } = options
  return ofBytes('limit', { bytes, ...(leg && { leg }) })
}

export function slowClose(options: SlowCloseOptions): FaultBehaviour {
  validateNumbers('slowClose', options, { ms: [0, Infinity] }, {})
  return ofBytes('slow-close', { ms: options.ms })
}
