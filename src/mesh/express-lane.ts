import type { HeaderList, Origin } from '../call/call.ts'
import { edgeName } from '../call/call.ts'
import type { BareRequest } from '../call/door.ts'
import type { AnsweredReply } from '../call/reply.ts'
import { isTidyPath } from '../call/tidy-path.ts'
import type { ChaosControl } from '../chaos/chaos.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Draft, Shorthand } from '../journal/shorthand.ts'
import { contextEntry, pathOf } from '../tracing/tracer.ts'
import type { Tracing } from '../tracing/tracer.ts'
import type { Dispatch } from './dispatch.ts'
import { journalHeaders } from './evidence.ts'
import type { Fabric } from './fabric.ts'
import type { Gates } from './hold.ts'
import type { SwitchClock } from './switch-clock.ts'

export interface ExpressContext {
  readonly fabric: Fabric
  readonly dispatch: Dispatch
  readonly gates: Gates
  readonly chaos: ChaosControl
  readonly clock: SwitchClock
  readonly tracing: Tracing
  readonly jot: Recorder['jot']
}

/** What is kept of a call that was answered at once. */
interface Passage {
  readonly call: string
  readonly caller: string
  readonly callee: string
  readonly origin: Origin
  readonly method: string
  readonly path: string
  readonly base: string
  readonly rawHeaders: readonly string[]
  readonly instance: string
  readonly route: string
  readonly status: number
  /** On the mesh's clock: when it came, and when the journal's time was 0. */
  readonly atMs: number
  readonly zeroMs: number
}

/**
 * The short way for what a mesh is asked most: a service under test, without policies of the mesh, asks for a scripted
 * reply, and neither a gate nor a delay is anywhere near, nor a fault that would hit it. Nothing on the long way could wait or decide, so the
 * answer is there at once and the journal gets in one note what the long way would have written, entry for entry.
 */
export class ExpressLane {
  readonly #context: ExpressContext
  readonly #passage: Shorthand<Passage>

  constructor(context: ExpressContext) {
    this.#context = context
    this.#passage = {
      types: [
        'call.started',
        'attempt.started',
        'request.received',
        'trace.context',
        'span.ended',
        'attempt.ended',
        'call.ended',
      ],
      write: (passage) => entriesOf(passage, context.tracing),
    }
  }

  answer(request: BareRequest): AnsweredReply | undefined {
    const { fabric, dispatch, gates, chaos, clock, jot } = this.#context
    const { caller, callee, method, path } = request
    if (dispatch.isClosed || clock.mode !== 'real') return undefined
    const service = fabric.findService(callee)
    if (!service || service.sequences.isEmpty || !isTidyPath(path)) return undefined
    const scripted = service.sequences.peek(method, path)
    if (!scripted || scripted.delayMs > 0 || service.options.responseTime) return undefined
    const edge = fabric.findEdge(edgeName(caller, callee))
    if (!edge?.chain.isPlain || edge.options.mode === 'async' || gates.holds(edge.name)) return undefined
    if (!fabric.isUnderTest(caller)) return undefined
    if (chaos.concerns({ caller, callee, edge: edge.name, attempt: 0, nth: edge.calls + 1 })) return undefined

    service.sequences.take(method, path)
    jot<Passage>(this.#passage, {
      call: dispatch.nextId(),
      caller,
      callee,
      origin: request.origin,
      method,
      path,
      base: request.base,
      rawHeaders: request.rawHeaders,
      instance: service.instanceFor({ nth: ++edge.calls, attempt: 0 }),
      route: scripted.route,
      status: scripted.reply.status,
      atMs: clock.now(),
      zeroMs: clock.originMs,
    })
    return scripted.reply
  }
}

function entriesOf(passage: Passage, tracing: Tracing): Draft[] {
  const { call, caller, callee, origin, method, path, base, rawHeaders, instance, status, atMs, zeroMs } = passage
  const edge = edgeName(caller, callee)
  const headers = headerPairs(rawHeaders)
  const traceparent = headers.find(([name]) => name === 'traceparent')?.[1]
  const tried = { call, edge, attempt: 0 }
  return [
    {
      type: 'call.started',
      call,
      edge,
      mode: 'sync',
      origin,
      method,
      path,
      ...(traceparent && { traceparent }),
    },
    { type: 'attempt.started', ...tried },
    {
      type: 'request.received',
      call,
      edge,
      service: callee,
      instance,
      attempt: 0,
      method,
      path,
      headers: journalHeaders(headers),
    },
    { type: 'trace.context', ...contextEntry({ ...tried, id: call, origin }, headers, headers, true) },
    {
      type: 'span.ended',
      ...tracing.entryOf({
        side: 'server',
        call: { id: call, attempt: 0, caller, callee, method, path, url: base + path, headers },
        instance,
        route: pathOf(passage.route),
        startMs: atMs,
        endMs: atMs,
        zeroMs,
        reply: { outcome: 'answered', status },
      }),
    },
    { type: 'attempt.ended', ...tried, outcome: 'answered', status, durationMs: 0 },
    { type: 'call.ended', call, edge, outcome: 'answered', status, durationMs: 0, attempts: 1 },
  ]
}

function headerPairs(raw: readonly string[]): HeaderList {
  const pairs: [string, string][] = []
  for (let i = 0; i < raw.length; i += 2) pairs.push([raw[i]!.toLowerCase(), raw[i + 1]!])
  return pairs
}
