import { ROOT_CONTEXT, SpanKind, TraceFlags, trace, type HrTime, type Span, type Tracer } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import type { SpanAttributes } from './http-attributes.ts'
import type { SpanSide } from './ids.ts'
import type { TraceContext } from './w3c.ts'

/** Which ids the next span gets, and under whom it stands. */
export interface SpanPlan {
  readonly service: string
  readonly side: SpanSide
  readonly name: string
  /** Used only without a parent. */
  readonly traceId: string
  readonly spanId: string
  /** What was read from headers. Nothing else ever becomes a parent. */
  readonly parent?: TraceContext
  readonly startMs: number
  readonly attributes: SpanAttributes
}

export interface Providers {
  readonly services: readonly string[]
  add(service: string): void
  start(plan: SpanPlan): Span
}

// Given in full, because every limit that is left out is read from the environment, which belongs to the code under test.
const spanLimits = {
  attributeCountLimit: 128,
  attributeValueLengthLimit: Infinity,
  eventCountLimit: 128,
  linkCountLimit: 128,
  attributePerEventCountLimit: 128,
  attributePerLinkCountLimit: 128,
}

/** A time as OpenTelemetry takes it without guessing; a number could be read as one of `performance.now()`. */
export function hrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1000)
  const nanos = Math.round((epochMs - seconds * 1000) * 1e6)
  return nanos === 1e9 ? [seconds + 1, 0] : [seconds, nanos]
}

/**
 * One private OpenTelemetry provider per simulated service, made when it is first needed. They share the id generator
 * and the processor, which hands each span to `ended` at once. Nothing is registered globally and no context manager is
 * used: a span's parent is the one of its plan.
 */
export function createProviders(services: Iterable<string>, ended: (span: ReadableSpan) => void): Providers {
  const tracers = new Map<string, Tracer | undefined>()
  for (const service of services) tracers.set(service, undefined)

  // `startSpan` asks for its ids synchronously, so the plan of the span that is being made can wait here.
  let planned = { traceId: '', spanId: '' }
  const idGenerator = { generateTraceId: () => planned.traceId, generateSpanId: () => planned.spanId }
  const processor: SpanProcessor = {
    onStart() {},
    onEnd: ended,
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const create = (service: string): Tracer =>
    new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': service }),
      sampler: new AlwaysOnSampler(),
      spanLimits,
      idGenerator,
      spanProcessors: [processor],
    }).getTracer('meshwright')

  return {
    get services() {
      return [...tracers.keys()]
    },
    add(service) {
      if (!tracers.has(service)) tracers.set(service, undefined)
    },
    start({ service, side, name, traceId, spanId, parent, startMs, attributes }) {
      let tracer = tracers.get(service)
      if (!tracer) tracers.set(service, (tracer = create(service)))
      planned = { traceId, spanId }
      const kind = side === 'client' ? SpanKind.CLIENT : SpanKind.SERVER
      const remote = parent && {
        traceId: parent.traceId,
        spanId: parent.spanId,
        traceFlags: parent.flags.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        isRemote: true,
      }
      const context = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
      return tracer.startSpan(name, { kind, startTime: hrTime(startMs), attributes }, context)
    },
  }
}
