/** Header names are lower case; repeated names stand as repeated pairs, in order. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** Bytes, all at once or as they come; null for none. A stream can be read once. */
export type Body = Uint8Array | ReadableStream<Uint8Array> | null

export type CallMode = 'sync' | 'async'

/** How a call reached the mesh. */
export type Origin = 'in-process' | 'listener' | 'proxy' | 'browser' | 'handler' | 'driver' | 'msw'

/** One request travelling an edge. A plain frozen record; filters that change something pass on a changed copy. */
export interface Call {
  /** `3` for the third call that entered the mesh, `3.1` for the first call its handler made, and so on. */
  readonly id: string
  readonly parent?: string
  readonly caller: string
  readonly callee: string
  /** `caller->callee` */
  readonly edge: string
  readonly mode: CallMode
  readonly origin: Origin
  readonly method: string
  /** Path and query, as sent: `/items/7?full=1`. */
  readonly path: string
  /** The URL as the caller wrote it, or as the service is addressed. */
  readonly url: string
  readonly headers: HeaderList
  /** A stream for a service that takes `requestBodies: 'streamed'`, unless the mesh may have to send it again. */
  readonly body: Body
  /** Set when the client wants a WebSocket: the request is its handshake. */
  readonly upgrade?: 'websocket'
  /** 0 for the first try, 1 for the first retry. */
  readonly attempt: number
  /** 1 for the first call on this edge. Draws are keyed with it. */
  readonly nth: number
  /** Services on the way here, the first caller first, the callee last. */
  readonly hops: readonly string[]
  /** Aborts when the caller goes away, when a time-out of the mesh passes, or when the mesh stops. */
  readonly signal: AbortSignal
}

export const edgeName = (caller: string, callee: string): string => `${caller}->${callee}`

/** The first value of a header, or undefined. */
export function header(headers: HeaderList, name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1]
}

/** The headers with `name` replaced (or, with `undefined`, removed). */
export function withHeader(headers: HeaderList, name: string, value: string | undefined): HeaderList {
  const rest = headers.filter(([key]) => key !== name)
  return value === undefined ? rest : [...rest, [name, value]]
}

export function headerList(init: Iterable<readonly [string, string]> | Record<string, string> = []): HeaderList {
  const pairs = Symbol.iterator in init ? init : Object.entries(init)
  return Array.from(
    pairs as Iterable<readonly [string, string]>,
    ([name, value]) => [name.toLowerCase(), String(value)] as const,
  )
}
