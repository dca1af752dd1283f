import type { Entry } from '../journal/entry.ts'
import type { Journal } from '../journal/journal.ts'
import { subjectKind } from '../journal/subject.ts'
import type { Facts, Subject } from '../journal/subject.ts'
import { MeshError } from '../errors.ts'
import { describeValue } from '../nearest.ts'
import type { Clock } from '../time/clock.ts'
import type { EdgeOptions, Handler, ReplySpec } from '../topology/options.ts'
import { parseRoute } from '../topology/route.ts'
import {
  validateEdgeOptions,
  validateHandler,
  validateReplySpec,
  validateServiceOptions,
} from '../topology/validate.ts'
import type { CircuitState } from '../resilience/circuit-breaker.ts'
import type { ConnectionFacts } from './connections.ts'
import type { Engine } from './engine.ts'
import { onlyForHttp } from './mistakes.ts'
import { printable } from './printable.ts'

export interface EdgeStats {
  /** Calls, retries not counted. */
  readonly calls: number
  readonly attempts: number
  /** Calls that ended without an answer or with a status from 500. */
  readonly failures: number
  /** Milliseconds on the mesh's clock, over ended calls; undefined before the first one. */
  readonly meanMs: number | undefined
  readonly maxMs: number | undefined
}

/** The circuit breaker that the mesh keeps on an edge. */
export interface CircuitHandle {
  readonly state: CircuitState['state']
  readonly transitions: readonly Entry<'circuit.changed'>[]
  /** Opens the circuit until `reset`. */
  isolate(): void
  /** Closes the circuit and forgets the failures. */
  reset(): void
  /** The whole state as plain JSON. */
  toJSON(): CircuitState
}

/** What went over an edge and what became of it. */
export interface EdgeHandle extends Subject {
  readonly [subjectKind]: 'edge'
  readonly caller: string
  readonly callee: string
  readonly options: EdgeOptions
  /** One entry per ended call, in order. */
  readonly calls: readonly Entry<'call.ended'>[]
  /** Undefined when the mesh keeps no circuit breaker on this edge. */
  readonly circuit: CircuitHandle | undefined
  readonly stats: EdgeStats
  /** The connections to a service with `tcp: true`, oldest first; empty on any other edge. */
  readonly connections: readonly ConnectionFacts[]
  /** Changes policies while the mesh runs; options not named stay. A circuit starts afresh when its own options change. */
  configure(options: EdgeOptions): void
}

/** A service as a test sees it. */
export interface ServiceHandle extends Subject {
  readonly [subjectKind]: 'service'
  /** Scripts answers for a route (`'POST /charges'`): in turn, the last one stays. They go before any handler. */
  reply(route: string, ...replies: readonly [ReplySpec, ...ReplySpec[]]): this
  /** Puts MSW handlers in front of the service's own, until the test ends. */
  use(...handlers: Handler[]): this
  /** Sends this service's requests to a real one from now on; `undefined` takes that back. */
  forwardTo(upstream: string | undefined): this
  /** Requests that reached the service, in order. */
  readonly requests: readonly Entry<'request.received'>[]
  readonly instances: readonly string[]
  /** How callers address it. */
  readonly url: string
  /** As declared; empty without any. */
  readonly metadata: { readonly [key: string]: string }
}

export function subjectOf(engine: Engine, kind: 'edge' | 'service' | 'mesh', name: string) {
  return {
    [subjectKind]: kind,
    name,
    journal: engine.journal as Journal,
    clock: engine.clock as Clock,
    facts: (): Facts => engine.facts(),
  }
}

export function edgeHandle(engine: Engine, name: string): EdgeHandle {
  const { caller, callee } = engine.fabric.edge(name)
  const ended = () => engine.journal.where({ type: 'call.ended', edge: name })
  const handle = {
    ...subjectOf(engine, 'edge', name),
    caller,
    callee,
    configure(options: EdgeOptions) {
      validateEdgeOptions(`edge ${name}`, options)
      engine.fabric.configureEdge(name, options)
    },
  }
  Object.defineProperties(handle, {
    options: { get: () => engine.fabric.edge(name).options },
    calls: { get: ended },
    connections: { get: () => engine.connections.on(name) },
    circuit: {
      get: (): CircuitHandle | undefined => {
        const circuit = engine.fabric.edge(name).chain.circuit
        return (
          circuit && {
            get state() {
              return circuit.state.state
            },
            get transitions() {
              return engine.journal.where({ type: 'circuit.changed', edge: name })
            },
            isolate: () => circuit.isolate(),
            reset: () => circuit.reset(),
            toJSON: () => circuit.toJSON(),
          }
        )
      },
    },
    stats: {
      get: (): EdgeStats => {
        const calls = ended()
        const durations = calls.map(({ durationMs }) => durationMs)
        return {
          calls: calls.length,
          attempts: calls.reduce((sum, { attempts }) => sum + attempts, 0),
          failures: calls.filter(({ outcome, status = 0 }) => outcome !== 'answered' || status >= 500).length,
          meanMs: calls.length ? durations.reduce((a, b) => a + b, 0) / calls.length : undefined,
          maxMs: calls.length ? durations.reduce((a, b) => Math.max(a, b)) : undefined,
        }
      },
    },
  })
  const edge = handle as unknown as EdgeHandle
  if (engine.fabric.carriesBytes(callee))
    return printable(edge, 'edge', () => ({ connections: edge.connections.length }))
  return printable(edge, 'edge', () => ({ ...edge.stats, ...(edge.circuit && { circuit: edge.circuit.state }) }))
}

export function serviceHandle(engine: Engine, name: string): ServiceHandle {
  const service = engine.fabric.service(name)
  const refuseHttp = (what: string) => {
    if (service.options.tcp) throw onlyForHttp(what, name, 'Its upstream answers; forwardTo() changes it.')
  }
  const relayTo = (upstream: unknown) => {
    validateServiceOptions(`service ${name}: forwardTo()`, {
      tcp: true,
      upstream: upstream ?? service.options.upstream,
    })
    service.upstream = (upstream ?? service.options.upstream) as string
    return handle
  }
  const handle = {
    ...subjectOf(engine, 'service', name),
    url: service.origin,
    instances: service.instances,
    metadata: service.options.metadata ?? {},
    reply(route: string, ...replies: ReplySpec[]) {
      if (engine.stopped)
        throw new MeshError('MESH_STOPPED', `service ${name}: reply() was called after the mesh has stopped`, {
          fix: 'Use it while the test runs.',
        })
      refuseHttp('reply()')
      if (typeof route !== 'string')
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `service ${name}: reply() takes the route first, got ${describeValue(route)}`,
          { fix: "Write it as in reply('POST /charges', 503)." },
        )
      if (replies.length === 0)
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `service ${name}: reply('${route}') needs at least one reply, such as 503`,
        )
      replies.forEach((reply, i) => validateReplySpec(`reply('${route}')[${i}]`, reply))
      service.sequences.set(parseRoute(route), route, replies)
      engine.journal.record('reply.sequence', { service: name, route, replies: replies.length })
      return handle
    },
    use(...handlers: Handler[]) {
      refuseHttp('use()')
      handlers.forEach((handler, index) => validateHandler(`service ${name}`, `use()[${index}]`, handler))
      service.use(handlers)
      return handle
    },
    forwardTo(upstream: string | undefined) {
      if (service.options.tcp) return relayTo(upstream)
      if (upstream !== undefined && !(URL.canParse(upstream) && /^https?:/.test(upstream)))
        throw new MeshError(
          'MESH_INVALID_OPTION',
          `service ${name}: forwardTo() takes an http(s) URL, got ${describeValue(upstream)}`,
        )
      service.upstream = upstream
      return handle
    },
  }
  Object.defineProperty(handle, 'requests', {
    get: () => engine.journal.where({ type: 'request.received', service: name }),
  })
  const shown = handle as unknown as ServiceHandle
  return printable(shown, 'service', () => ({ url: shown.url, requests: shown.requests.length }))
}
