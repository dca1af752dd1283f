import type { RequestHandler, WebSocketHandler } from 'msw'
import type { CallMode } from '../call/call.ts'

/** An answer written down: a bare number is a status with an empty body. */
export type ReplySpec =
  | number
  | {
      /** Default 200. */
      status?: number
      /** Sent as JSON with `content-type: application/json`. */
      json?: unknown
      /** Sent as text. At most one of `json`, `text` and `body`. */
      text?: string
      body?: Uint8Array
      headers?: Record<string, string | string[]>
      /** Milliseconds to wait before this answer, on the mesh's clock, in addition to the service's response time. Default 0. */
      delayMs?: number
    }

/**
 * What counts: `network` is any failure of the network (refused, reset, closed, truncated), `timeout` a call that the
 * mesh's own time-out ended, `5xx` any status from 500, `gateway-error` 502, 503 and 504, a number that very status.
 */
export type FailureCondition = 'network' | 'timeout' | '5xx' | 'gateway-error' | number

export type BackoffOptions =
  /** Always the same wait. */
  | { kind: 'constant'; ms: number; jitter?: Jitter }
  /** `initialMs * factor ** n`, at most `maxMs`. `factor` defaults to 2, `maxMs` to 30 000. */
  | { kind: 'exponential'; initialMs: number; factor?: number; maxMs?: number; jitter?: Jitter }

/** `none` (default) waits exactly; `full` draws from [0, wait); `equal` from [wait / 2, wait). Names after AWS's "Exponential Backoff And Jitter". */
export type Jitter = 'none' | 'full' | 'equal'

export interface RetryOptions {
  /** Retries after the first try: 2 means at most three tries. An integer from 0 to 100. */
  attempts: number
  /** Wait before each retry. Default: none. */
  backoff?: BackoffOptions
  /** What is retried. Default `['network', 'timeout', '5xx']`. A rejection by the open circuit or the full bulkhead is never retried. */
  on?: readonly FailureCondition[]
  /** Whether a `Retry-After` header (seconds or an HTTP date) replaces a shorter backoff. Default true. */
  honourRetryAfter?: boolean
}

interface CircuitBreakerCommon {
  /** How long an open circuit rejects before it lets a trial call through, in milliseconds. */
  openMs: number
  /** Trial calls let through at once while half-open, all of which must succeed to close the circuit. Default 1. Further calls are rejected. */
  halfOpenCalls?: number
  /** What counts as a failure. Default `['network', 'timeout', '5xx']`. */
  failOn?: readonly FailureCondition[]
}

export type CircuitBreakerOptions =
  /** Opens at this many failures in a row. */
  | (CircuitBreakerCommon & { consecutiveFailures: number })
  /** Opens when more than `failureRatio` (above 0, below 1) of the last `overCalls` calls failed; not before `minimumCalls` (default: `overCalls`). */
  | (CircuitBreakerCommon & { failureRatio: number; overCalls: number; minimumCalls?: number })
  /** Opens when more than `failureRatio` of the calls of the last `overMs` milliseconds failed; not before `minimumCalls` (default 5). */
  | (CircuitBreakerCommon & { failureRatio: number; overMs: number; minimumCalls?: number })

export interface BulkheadOptions {
  /** Calls in flight at once. */
  maxConcurrent: number
  /** Calls that wait for a place; further ones are rejected with 503. Default 0. */
  maxQueued?: number
}

export interface EdgeOptions {
  /** `async` is fire and forget: the caller gets 202 at once and never a failure. Default `sync`. */
  mode?: CallMode
  /** Time limit of each try in milliseconds; past it the try ends as 504. Default: none. */
  timeoutMs?: number
  retry?: RetryOptions
  circuitBreaker?: CircuitBreakerOptions
  bulkhead?: BulkheadOptions
  /** Answers in place of any failure, the circuit's and the bulkhead's rejections included. */
  fallback?: ReplySpec
}

/** How long a service takes to answer, in milliseconds on the mesh's clock. Build with `constant()`, `lognormal()` and so on. */
export type ResponseTime =
  | { kind: 'constant'; ms: number }
  | { kind: 'uniform'; minMs: number; maxMs: number }
  /** Draws below zero count as zero. */
  | { kind: 'normal'; meanMs: number; deviationMs: number }
  | { kind: 'lognormal'; medianMs: number; p99Ms: number }
  | { kind: 'exponential'; meanMs: number }

/** MSW's handlers for HTTP, GraphQL, server-sent events and WebSockets. */
export type Handler = RequestHandler | WebSocketHandler

export interface ServiceOptions {
  /** The code under test speaks as this service: its own policies are its own, the mesh's are off unless `sidecar` is true. */
  underTest?: boolean
  /** How callers address it: an http or https origin, without a path, that no other service has. Default `http://<name>`. */
  url?: string
  /** The calls this service may make, by callee. */
  calls?: { readonly [callee: string]: EdgeOptions }
  /** MSW handlers. Without any, the service calls each declared dependency with the request it got, and answers 200 with their results, or 502 when a synchronous one failed. */
  handlers?: readonly Handler[]
  /**
   * `whole` (default): a request is read to its end before the service gets it. `streamed`: the service gets it with its headers,
   * and the body as it comes, so that it may answer before the upload has ended. Bodies are read whole all the same where the mesh
   * may have to send them again: on edges with a `retry` of the mesh in force, and on asynchronous ones.
   */
  requestBodies?: 'whole' | 'streamed'
  /** A number is a constant. Default 0. */
  responseTime?: ResponseTime | number
  /** Replicas, 1 by default. Calls go to them in turn. */
  instances?: number
  /** Applies the caller's-side policies although the service is under test, as a sidecar would. */
  sidecar?: boolean
  /**
   * A real HTTP service at this origin (`http://127.0.0.1:3000`) answers instead of handlers. With `tcp: true`, the address
   * (`tcp://127.0.0.1:6379`) that bytes are relayed to.
   */
  upstream?: string
  /**
   * Not HTTP but bytes: a database, a cache, a broker. Connections to `mesh.url(...)` are relayed to `upstream`, which has to
   * be given, and faults act on their bytes. Takes no handlers, and edges to it no policies.
   */
  tcp?: boolean
  metadata?: { readonly [key: string]: string }
}

export interface MeshOptions<
  S extends { readonly [name: string]: ServiceOptions } = { readonly [name: string]: ServiceOptions },
> {
  name: string
  services: S
  /** Same seed, same decisions. Default: derived from the test's title, else from the mesh's name. */
  seed?: number | string
  /** A call along an edge that is not declared: `fail` (default) refuses it and fails the test, `allow` lets it pass. */
  undeclaredCalls?: 'fail' | 'allow'
  /** A request that no handler of its service takes: `fail` (default) answers 501 and fails the test, `passthrough` answers 404 and goes on. */
  unhandledRequests?: 'fail' | 'passthrough'
  /**
   * A request through a proxy of the mesh to a host that is neither a service nor this machine: `refuse` (default) answers 502
   * and nothing leaves the machine, `passthrough` lets it out for real.
   */
  unknownHosts?: 'refuse' | 'passthrough'
  /** Services one call may travel through before it is stopped as a cycle. Default 32. */
  hopLimit?: number
}
