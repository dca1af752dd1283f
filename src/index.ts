export { call, startMesh } from './start-mesh.ts'
export type { StartOptions } from './start-mesh.ts'
export { delay, graphql, http, HttpResponse, sse, ws } from './msw.ts'
export { defineMesh, MeshDefinition } from './topology/definition.ts'
export { constant, exponential, lognormal, normal, uniform } from './backend/response-time.ts'
export { MeshError } from './errors.ts'
export type { MeshErrorCode } from './errors.ts'
export type { CallInit, Mesh, SimulateOptions } from './mesh/mesh.ts'
export type { CircuitHandle, EdgeHandle, EdgeStats, ServiceHandle } from './mesh/handles.ts'
export type { Gate } from './mesh/hold.ts'
export type { Chaos } from './chaos/chaos.ts'
export type { Fault, FaultKind, FaultOptions } from './chaos/fault.ts'
export type { Call } from './call/call.ts'
export type { Outcome, Reply } from './call/reply.ts'
export type { Entry, EntryData, EntryType } from './journal/entry.ts'
export type { Journal } from './journal/journal.ts'
export type { Subject } from './journal/subject.ts'
export type { Verdict } from './journal/verdict.ts'
export { standing } from './report/standing.ts'
export type { Standing } from './report/standing.ts'
export type { Clock, ClockMode } from './time/clock.ts'
export type { EdgeName, MeshShape, ServiceName } from './topology/names.ts'
export type {
  BackoffOptions,
  BulkheadOptions,
  CircuitBreakerOptions,
  EdgeOptions,
  FailureCondition,
} from './topology/options.ts'
export type { MeshOptions, ReplySpec, ResponseTime, RetryOptions, ServiceOptions } from './topology/options.ts'
export type { Topology } from './topology/graph.ts'
