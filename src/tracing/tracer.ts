import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Call, HeaderList } from '../call/call.ts'
import type { FilterContext } from '../call/filter.ts'
import type { Reply } from '../call/reply.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import {
  clientAttributes,
  replyAttributes,
  serverAttributes,
  spanName,
  type SpanAttributes,
} from './http-attributes.ts'
import { createIds, type SpanSide } from './ids.ts'
import { createProviders, hrTime } from './providers.ts'
import { extract, headerLine, inject, type TraceContext } from './w3c.ts'

export interface TracingOptions {
  readonly services: Iterable<string>
  /** Only its seed is used; drawing ids does not count as chance. */
  readonly random: Pick<Random, 'seed'>
  readonly clock: Pick<Clock, 'now'>
  readonly record: FilterContext['record']
  /** When the journal's time was 0, in milliseconds since the Unix epoch. A function if that moves (`simulate`). */
  readonly startMs: number | (() => number)
}

export interface ClientSpan {
  /** The call to pass on. */
  readonly call: Call
  /** The headers of that call. */
  readonly headers: HeaderList
  /** Ends the span; further calls do nothing. */
  end(reply: Reply): void
}

export interface ServerSpan {
  readonly context: TraceContext
  /** What a handler of this service must send on: `traceparent` with this span as parent, and `tracestate` as it came. */
  traceHeaders(): HeaderList
  /** The template that matched: `/items/:id`. A method or an origin before it is left out. */
  setRoute(route: string): void
  /** Ends the span; further calls do nothing. */
  end(reply: Reply): void
}

export interface Tracing {
  readonly services: readonly string[]
  /** Makes a service known that joined later. Its provider is made with its first span, as for all. */
  addService(name: string): void
  /**
   * The CLIENT span of the caller for one attempt, child of the trace headers on the call, else a new root; the headers
   * are replaced by its own. With `underTest` the call passes unchanged and no span is made: that span is the business
   * of the code under test, and one of ours would hide whether it propagates.
   */
  clientSpan(call: Call, options?: { underTest?: boolean }): ClientSpan
  /**
   * The SERVER span of the callee: a child of what stands on the call, or a new trace when that is missing or broken.
   * Also writes down, as `trace.context`, what the caller had put on the wire and what arrived.
   */
  serverSpan(call: Call, instance: string): ServerSpan
}

type Base = { readonly call: Call; readonly zeroMs: number }

const rounded = (ms: number) => Math.round(ms * 1000) / 1000

/**
 * Tracing as the sidecars of a mesh would do it, on real OpenTelemetry spans. Each finished span is in the journal, as
 * `span.ended`, before `end` returns. The sampled flag that came in goes out again whatever it was, as does the random
 * flag; spans of unsampled traces are recorded too.
 */
export function createTracing({ services, random, clock, record, startMs }: TracingOptions): Tracing {
  const ids = createIds(random)
  const bases = new WeakMap<object, Base>()
  const zero = typeof startMs === 'function' ? startMs : () => startMs

  const providers = createProviders(services, (span) => {
    const base = bases.get(span)
    if (base) record('span.ended', spanEntry(span, base))
  })

  const open = (call: Call, side: SpanSide, attributes: SpanAttributes) => {
    const parent = extract(call.headers).context
    const service = side === 'client' ? call.caller : call.callee
    const zeroMs = zero()
    const openedMs = clock.now()
    const span = providers.start({
      service,
      side,
      name: spanName(call.method),
      traceId: parent ? parent.traceId : ids.traceId(call, side),
      spanId: ids.spanId(call, side),
      parent,
      startMs: openedMs,
      attributes,
    })
    bases.set(span, { call, zeroMs })
    const { traceId, spanId } = span.spanContext()
    // The SDK would set the sampled flag whatever the parent said, and it knows no random flag: ours come from the wire.
    const flags = parent?.flags ?? { sampled: true, random: true }
    const context: TraceContext = { traceId, spanId, flags, ...(parent?.state && { state: parent.state }) }
    let isOpen = true
    const end = (reply: Reply) => {
      if (!isOpen) return false
      isOpen = false
      // The SDK would set an end before the start right too, but with a warning in the user's log.
      finish(span, reply, side, Math.max(clock.now(), openedMs))
      return true
    }
    return { span, context, end }
  }

  // What callers had put on attempts that are under way; a call that never arrives is written down when it ends.
  const underWay = new Map<string, { received: HeaderList; underTest: boolean }>()
  const keyOf = (call: Call) => `${call.id}/${call.attempt}`

  const recordContext = (call: Call, arrived: HeaderList | undefined) => {
    const left = underWay.get(keyOf(call))
    underWay.delete(keyOf(call))
    if (!left && !arrived) return
    const { id, edge, attempt, origin } = call
    record('trace.context', {
      call: id,
      edge,
      attempt,
      ...lines('received', left?.received),
      ...lines('sent', arrived),
      origin,
      underTest: left?.underTest ?? false,
    })
  }

  return {
    get services() {
      return providers.services
    },
    addService: (name) => providers.add(name),
    clientSpan(call, { underTest = false } = {}) {
      underWay.set(keyOf(call), { received: call.headers, underTest })
      if (underTest) return { call, headers: call.headers, end: () => recordContext(call, undefined) }
      const { context, end } = open(call, 'client', clientAttributes(call))
      const headers = inject(call.headers, context)
      return {
        call: Object.freeze({ ...call, headers }),
        headers,
        end(reply) {
          if (end(reply)) recordContext(call, undefined)
        },
      }
    },
    serverSpan(call, instance) {
      recordContext(call, call.headers)
      const { span, context, end } = open(call, 'server', serverAttributes(call, instance))
      return {
        context,
        traceHeaders: () => inject([], context),
        setRoute(route) {
          const path = route.replace(/^[A-Z]+\s+/, '').replace(/^[a-z]+:\/\/[^/]+/i, '') || '/'
          span.setAttribute('http.route', path).updateName(spanName(call.method, path))
        },
        end: (reply) => void end(reply),
      }
    },
  }
}

function finish(span: Span, reply: Reply, side: SpanSide, endMs: number) {
  const { attributes, isError } = replyAttributes(reply, side)
  span.setAttributes(attributes)
  if (isError) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(hrTime(endMs))
}

function lines(name: 'received' | 'sent', headers: HeaderList | undefined) {
  const parent = headers && headerLine(headers, 'traceparent')
  const state = headers && headerLine(headers, 'tracestate')
  return { ...(parent !== undefined && { [name]: parent }), ...(state !== undefined && { [`${name}State`]: state }) }
}

function spanEntry(span: ReadableSpan, { call, zeroMs }: Base) {
  const since = ([seconds, nanos]: readonly [number, number]) => rounded(seconds * 1000 - zeroMs + nanos / 1e6)
  const { traceId, spanId } = span.spanContext()
  const parent = span.parentSpanContext
  return {
    traceId,
    spanId,
    ...(parent && { parentSpanId: parent.spanId }),
    name: span.name,
    kind: span.kind === SpanKind.CLIENT ? ('client' as const) : ('server' as const),
    service: String(span.resource.attributes['service.name']),
    call: call.id,
    attempt: call.attempt,
    startMs: since(span.startTime),
    endMs: since(span.endTime),
    status: span.status.code === SpanStatusCode.ERROR ? ('error' as const) : ('unset' as const),
    // Only scalars were set, so the wider type of OpenTelemetry says too much.
    attributes: { ...(span.attributes as SpanAttributes) },
  }
}
