import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Call, HeaderList } from '../call/call.ts'
import type { Reply } from '../call/reply.ts'
import { extract, headerLine, inject, isTraceHeader, type TraceContext } from '../call/trace-context.ts'
import type { EntryData } from '../journal/entry.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Shorthand } from '../journal/shorthand.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import {
  clientAttributes,
  replyAttributes,
  replyFacts,
  serverAttributes,
  spanName,
  type ReplyFacts,
  type SpanAttributes,
} from './http-attributes.ts'
import { createIds, type SpanSide } from './ids.ts'
import { createProviders, hrTime } from './providers.ts'

export interface TracingOptions {
  readonly services: Iterable<string>
  /** Only its seed is used; drawing ids does not count as chance. */
  readonly random: Pick<Random, 'seed'>
  readonly clock: Pick<Clock, 'now'>
  readonly record: Recorder['record']
  readonly jot: Recorder['jot']
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
  /** Makes the real span that a note stands for and gives it as the journal has it. */
  entryOf(note: SpanNote): EntryData['span.ended']
}

/** A finished span in plain JSON: enough to make the real one when somebody reads it. */
export interface SpanNote {
  readonly side: SpanSide
  readonly call: Pick<Call, 'id' | 'attempt' | 'caller' | 'callee' | 'method' | 'path' | 'url' | 'headers'>
  /** Of the callee, for a server's span. */
  readonly instance?: string
  readonly route?: string
  /** On the mesh's clock. */
  readonly startMs: number
  readonly endMs: number
  /** When the journal's time was 0, on the same clock. */
  readonly zeroMs: number
  readonly reply: ReplyFacts
}

const rounded = (ms: number) => Math.round(ms * 1000) / 1000

/**
 * Tracing as the sidecars of a mesh would do it, on real OpenTelemetry spans. A span is written down in a few words when
 * it ends and is made when it is read: nobody waits for it on the road. The sampled flag that came in goes out again
 * whatever it was, as does the random flag; spans of unsampled traces are recorded too.
 */
export function createTracing({ services, random, clock, jot, record, startMs }: TracingOptions): Tracing {
  const ids = createIds(random)
  const zero = typeof startMs === 'function' ? startMs : () => startMs
  let made: ReadableSpan | undefined
  const providers = createProviders(services, (span) => (made = span))

  const entryOf = (note: SpanNote): EntryData['span.ended'] => {
    const { side, call, instance = '', route, reply } = note
    const parent = extract(call.headers).context
    const span = providers.start({
      service: side === 'client' ? call.caller : call.callee,
      side,
      name: spanName(call.method, route),
      traceId: parent ? parent.traceId : ids.traceId(call, side),
      spanId: ids.spanId(call, side),
      parent,
      startMs: note.startMs,
      attributes: side === 'client' ? clientAttributes(call) : serverAttributes(call, instance),
    })
    if (route !== undefined) span.setAttribute('http.route', route)
    const { attributes, isError } = replyAttributes(reply, side)
    span.setAttributes(attributes)
    if (isError) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(hrTime(note.endMs))
    return spanEntry(made!, note)
  }
  const ended: Shorthand<SpanNote> = {
    types: ['span.ended'],
    write: (note) => [{ type: 'span.ended', ...entryOf(note) }],
  }

  const open = (call: Call, side: SpanSide, instance?: string) => {
    const zeroMs = zero()
    const openedMs = clock.now()
    let isOpen = true
    let route: string | undefined
    return {
      setRoute: (text: string) => (route = pathOf(text)),
      /** Ids and flags as they go out; found only when somebody asks. */
      context(): TraceContext {
        const parent = extract(call.headers).context
        // The SDK would set the sampled flag whatever the parent said, and it knows no random flag: ours come from the wire.
        const flags = parent?.flags ?? { sampled: true, random: true }
        const traceId = parent ? parent.traceId : ids.traceId(call, side)
        return { traceId, spanId: ids.spanId(call, side), flags, ...(parent?.state && { state: parent.state }) }
      },
      end(reply: Reply): boolean {
        if (!isOpen) return false
        isOpen = false
        jot(ended, {
          side,
          call: factsOf(call),
          ...(instance !== undefined && { instance }),
          ...(route !== undefined && { route }),
          startMs: openedMs,
          // The SDK would set an end before the start right too, but with a warning in the user's log.
          endMs: Math.max(clock.now(), openedMs),
          zeroMs,
          reply: replyFacts(reply),
        })
        return true
      },
    }
  }

  // What callers had put on attempts that are under way; a call that never arrives is written down when it ends.
  const underWay = new Map<string, { received: HeaderList; underTest: boolean }>()
  const keyOf = (call: Call) => `${call.id}/${call.attempt}`

  const recordContext = (call: Call, arrived: HeaderList | undefined) => {
    const key = keyOf(call)
    const left = underWay.get(key)
    underWay.delete(key)
    if (!left && !arrived) return
    record('trace.context', contextEntry(call, left?.received, arrived, left?.underTest ?? false))
  }

  return {
    get services() {
      return providers.services
    },
    addService: (name) => providers.add(name),
    clientSpan(call, { underTest = false } = {}) {
      underWay.set(keyOf(call), { received: call.headers, underTest })
      if (underTest) return { call, headers: call.headers, end: () => recordContext(call, undefined) }
      const span = open(call, 'client')
      const headers = inject(call.headers, span.context())
      return {
        call: Object.freeze({ ...call, headers }),
        headers,
        end(reply) {
          if (span.end(reply)) recordContext(call, undefined)
        },
      }
    },
    serverSpan(call, instance) {
      recordContext(call, call.headers)
      const span = open(call, 'server', instance)
      return {
        get context() {
          return span.context()
        },
        traceHeaders: () => inject([], span.context()),
        setRoute: span.setRoute,
        end: (reply) => void span.end(reply),
      }
    },
    entryOf,
  }
}

/** The template of a route without method and origin. */
export const pathOf = (route: string): string =>
  route.replace(/^[A-Z]+\s+/, '').replace(/^[a-z]+:\/\/[^/]+/i, '') || '/'

/** What stood on the wire, as `trace.context` has it. */
export const contextEntry = (
  { id, edge, attempt, origin }: Pick<Call, 'id' | 'edge' | 'attempt' | 'origin'>,
  left: HeaderList | undefined,
  arrived: HeaderList | undefined,
  underTest: boolean,
): EntryData['trace.context'] => ({
  call: id,
  edge,
  attempt,
  ...lines('received', left),
  ...lines('sent', arrived),
  origin,
  underTest,
})

const factsOf = ({ id, attempt, caller, callee, method, path, url, headers }: Call): SpanNote['call'] => ({
  id,
  attempt,
  caller,
  callee,
  method,
  path,
  url,
  headers: headers.filter(([name]) => isTraceHeader(name)),
})

function lines(name: 'received' | 'sent', headers: HeaderList | undefined) {
  const parent = headers && headerLine(headers, 'traceparent')
  const state = headers && headerLine(headers, 'tracestate')
  return { ...(parent !== undefined && { [name]: parent }), ...(state !== undefined && { [`${name}State`]: state }) }
}

function spanEntry(span: ReadableSpan, { call, zeroMs }: SpanNote): EntryData['span.ended'] {
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
