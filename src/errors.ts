/**
 * What the author of a test did wrong. What the simulated world does wrong is a {@link Reply} with an outcome instead.
 *
 * Every code is part of the public interface; the message says what happened, what was received, what exists instead
 * and how to fix it.
 */
export type MeshErrorCode =
  | 'MESH_INVALID_OPTION'
  | 'MESH_INVALID_DEFINITION'
  | 'MESH_UNKNOWN_SERVICE'
  | 'MESH_UNKNOWN_EDGE'
  | 'MESH_DUPLICATE_URL'
  | 'MESH_UNDECLARED_CALL'
  | 'MESH_UNHANDLED_REQUEST'
  | 'MESH_HOP_LIMIT'
  | 'MESH_PORT_TAKEN'
  | 'MESH_GATEWAY'
  | 'MESH_MSW_MISSING'
  | 'MESH_MSW_VERSION'
  | 'MESH_STOPPED'
  | 'MESH_NO_MESH'
  | 'MESH_NO_ENVIRONMENT'
  | 'MESH_DEADLOCK'
  | 'MESH_LIVELOCK'
  | 'MESH_TIME_LIMIT'
  | 'MESH_LIMIT'
  | 'MESH_NOT_SETTLED'
  | 'MESH_UNSUPPORTED'

const brand = Symbol.for('meshwright/error')

export interface MeshErrorDetails {
  /** Lines shown indented below the first sentence: what exists instead, the open calls, and so on. */
  details?: readonly string[]
  /** What to do about it, one sentence. */
  fix?: string
  /** The seed, when chance took part; the message then says how to replay. */
  seed?: string | number
  cause?: unknown
}

export class MeshError extends Error {
  readonly code: MeshErrorCode

  constructor(code: MeshErrorCode, what: string, { details = [], fix, seed, cause }: MeshErrorDetails = {}) {
    const lines = [what, ...details.map((line) => `  ${line}`)]
    if (fix) lines.push(`  ${fix}`)
    if (seed !== undefined) lines.push(`  Replay with MESHWRIGHT_SEED=${seed}`)
    lines.push(`${lines.pop()}   [${code}]`)
    super(lines.join('\n'), cause === undefined ? undefined : { cause })
    this.name = 'MeshError'
    this.code = code
    Object.defineProperty(this, brand, { value: true })
  }

  /** Recognises errors of any copy of this package, in any realm; `instanceof` would not. */
  static is(error: unknown): error is MeshError {
    return typeof error === 'object' && error !== null && brand in error
  }
}
