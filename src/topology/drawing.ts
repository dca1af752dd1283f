import { oneOf } from './checks.ts'
import type { CircuitBreakerOptions, EdgeOptions, ServiceOptions } from './options.ts'

/** How a thing stands, for a drawing: of a service or an edge in general, or of the circuit of an edge. */
export type DrawnStatus = 'ok' | 'degraded' | 'failed' | 'shielded' | 'closed' | 'half-open' | 'open'

export interface DrawingOptions<Service extends string = string, Edge extends string = string> {
  /** Colours services by how they stand: `{ payments: 'failed' }`. */
  services?: { readonly [Name in Service]?: DrawnStatus }
  /** Colours edges by how they stand: `{ 'orders->payments': 'open' }`. */
  edges?: { readonly [Name in Edge]?: DrawnStatus }
  /** Callers left of their callees (`LR`, default) or above them (`TB`). */
  direction?: 'LR' | 'TB'
}

export interface DrawnService {
  readonly name: string
  readonly isUnderTest: boolean
  /** Small print: `under test`, `3 instances`. */
  readonly notes: readonly string[]
  readonly status: DrawnStatus | undefined
}

export interface DrawnEdge {
  readonly caller: string
  readonly callee: string
  readonly isAsync: boolean
  /** Policies in a few words each: `timeout 500 ms`, `retry 2`. */
  readonly labels: readonly string[]
  readonly status: DrawnStatus | undefined
}

/** What is drawn, before any format. */
export interface Drawing {
  readonly title: string
  readonly direction: 'LR' | 'TB'
  readonly services: readonly DrawnService[]
  readonly edges: readonly DrawnEdge[]
}

/** Colours of a status, told apart also by lightness; the status stands in words beside. */
export const statusColours: { readonly [S in DrawnStatus]: { readonly line: string; readonly fill: string } } = {
  ok: { line: '#15803d', fill: '#f0fdf4' },
  closed: { line: '#15803d', fill: '#f0fdf4' },
  degraded: { line: '#b45309', fill: '#fffbeb' },
  'half-open': { line: '#b45309', fill: '#fffbeb' },
  shielded: { line: '#6d28d9', fill: '#f5f3ff' },
  failed: { line: '#b91c1c', fill: '#fef2f2' },
  open: { line: '#b91c1c', fill: '#fef2f2' },
}

/** Colours of things without a status. */
export const plainColours = {
  service: { line: '#94a3b8', fill: '#f8fafc' },
  underTest: { line: '#1d4ed8', fill: '#eff6ff' },
  edge: '#64748b',
  text: '#0f172a',
  smallText: '#475569',
} as const

const duration = (ms: number): string => {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000} min`
  return ms >= 1_000 && ms % 100 === 0 ? `${ms / 1_000} s` : `${ms} ms`
}

function breakerLabel(breaker: CircuitBreakerOptions): string {
  if ('consecutiveFailures' in breaker) return `breaker ${breaker.consecutiveFailures}`
  const percent = `breaker ${Number((breaker.failureRatio * 100).toFixed(2))} %`
  return 'overCalls' in breaker ? `${percent} of ${breaker.overCalls}` : `${percent} in ${duration(breaker.overMs)}`
}

/** The policies of an edge in a few words each, in the order in which a call meets them, outermost last. */
export function policyLabels({ timeoutMs, retry, circuitBreaker, bulkhead, fallback }: EdgeOptions): string[] {
  return [
    timeoutMs !== undefined && `timeout ${duration(timeoutMs)}`,
    bulkhead && `bulkhead ${bulkhead.maxConcurrent}${bulkhead.maxQueued ? `+${bulkhead.maxQueued}` : ''}`,
    circuitBreaker && breakerLabel(circuitBreaker),
    retry && `retry ${retry.attempts}`,
    fallback !== undefined && `fallback ${typeof fallback === 'number' ? fallback : (fallback.status ?? 200)}`,
  ].filter((label) => typeof label === 'string')
}

const knownStatus = oneOf(...Object.keys(statusColours))

// Own properties only: `constructor` is a good name for a service.
function statusOf(given: { readonly [name: string]: DrawnStatus | undefined }, name: string): DrawnStatus | undefined {
  const status = Object.hasOwn(given, name) ? given[name] : undefined
  if (status !== undefined) knownStatus(status, { owner: 'status', key: name })
  return status
}

/** Draws nothing yet: gathers what each format shows. */
export function drawing(
  title: string,
  services: { readonly [name: string]: ServiceOptions },
  edges: readonly {
    readonly name: string
    readonly caller: string
    readonly callee: string
    readonly options: EdgeOptions
  }[],
  { services: serviceStatus = {}, edges: edgeStatus = {}, direction = 'LR' }: DrawingOptions = {},
): Drawing {
  const drawnServices = Object.entries(services).map(([name, { underTest = false, instances = 1, upstream }]) => {
    const status = statusOf(serviceStatus, name)
    const notes = [
      underTest && 'under test',
      instances > 1 && `${instances} instances`,
      upstream !== undefined && `upstream ${new URL(upstream).host}`,
      status,
    ].filter((note) => typeof note === 'string')
    return { name, isUnderTest: underTest, notes, status }
  })
  const drawnEdges = edges.map(({ name, caller, callee, options }) => {
    const status = statusOf(edgeStatus, name)
    const isAsync = options.mode === 'async'
    const labels = [...(isAsync ? ['async'] : []), ...policyLabels(options), ...(status ? [status] : [])]
    return { caller, callee, isAsync, labels, status }
  })
  return { title, direction, services: drawnServices, edges: drawnEdges }
}
