import type { Call } from '../call/call.ts'
import { failed } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'
import { replyFrom } from '../call/reply-spec.ts'
import type { Clock } from '../time/clock.ts'
import type { FaultBehaviour } from './fault.ts'

/** What behaviours wait with: the mesh's clock, and a signal that ends every wait when the mesh stops. */
export interface FaultTime {
  readonly clock: Clock
  readonly stopping: AbortSignal
}

/** Waits until the caller gives up (or the mesh stops): nothing else ends a call that gets no answer. */
export function silence(call: Call, stopping: AbortSignal, processed: boolean): Promise<Reply> {
  return new Promise((resolve) => {
    const signals = [call.signal, stopping]
    const end = () => {
      for (const signal of signals) signal.removeEventListener('abort', end)
      resolve(failed('hung', { processed, message: processed ? 'the reply was lost' : 'no answer came' }))
    }
    if (signals.some((signal) => signal.aborted)) return end()
    for (const signal of signals) signal.addEventListener('abort', end, { once: true })
  })
}

/** Nothing listens: every connection is refused and the service never sees a request. */
export const outage = (): FaultBehaviour => ({
  kind: 'outage',
  closesPort: true,
  options: {},
  act: async (call) => failed('refused', { message: `${call.callee} refuses connections`, processed: false }),
})

export interface LatencyOptions {
  /** Added to each call, in milliseconds. */
  ms: number
  /** Spread around `ms`: the wait is drawn uniformly from `ms - jitterMs` to `ms + jitterMs`. Default 0. */
  jitterMs?: number
  /** `request` (default) delays before the service sees the call, `reply` after it has answered. */
  leg?: 'request' | 'reply'
}

/**
 * Slows the network down. A caller that gives up meanwhile does not stop the request: it still arrives, late, as on a
 * real network, and the service still processes it.
 */
export function latency(
  { ms, jitterMs = 0, leg = 'request' }: LatencyOptions,
  { clock, stopping }: FaultTime,
  draw: (call: Call) => number,
): FaultBehaviour {
  return {
    kind: 'latency',
    options: { ms, ...(jitterMs && { jitterMs }), ...(leg !== 'request' && { leg }) },
    act: async (call, next) => {
      const waitMs = jitterMs ? Math.max(0, ms + (draw(call) * 2 - 1) * jitterMs) : ms
      if (leg === 'request') {
        await clock.sleep(waitMs, stopping)
        return stopping.aborted ? failed('aborted') : next(call)
      }
      const reply = await next(call)
      await clock.sleep(waitMs, stopping)
      return reply
    },
  }
}

export interface AbortOptions {
  /** Default 503. */
  status?: number
  json?: unknown
  text?: string
  headers?: Record<string, string>
}

/** Answers in the service's place; the service never sees the request. */
export function abort({ status = 503, ...content }: AbortOptions): FaultBehaviour {
  const hasOwnContent = Object.keys(content).length > 0
  // 204 and 304 have no body by definition.
  const text = hasOwnContent || status === 204 || status === 304 ? {} : { text: 'fault filter abort' }
  const spec = { status, ...content, ...text }
  const reply = Object.freeze({ ...replyFrom(spec), via: 'fault' as const })
  return { kind: 'abort', options: { status }, act: async () => reply }
}

export interface ResetOptions {
  /** `before-headers` (default): the request is lost and nothing comes back. `mid-body`: the service answers, and the connection breaks half-way through the body. */
  at?: 'before-headers' | 'mid-body'
}

/** RST: the connection is torn down. */
export const reset = ({ at = 'before-headers' }: ResetOptions): FaultBehaviour => ({
  kind: 'reset',
  options: at === 'before-headers' ? {} : { at },
  act: async (call, next) =>
    at === 'mid-body'
      ? cut(await next(call), 'reset-mid-body')
      : failed('reset', { message: 'the connection was reset', processed: false }),
})

/** The service takes the request and never answers; the service's handler is not run. */
export const hang = ({ stopping }: FaultTime): FaultBehaviour => ({
  kind: 'hang',
  options: {},
  act: (call) => silence(call, stopping, false),
})

/** The service processes the request, and its answer is lost on the way back. */
export const loseReply = ({ stopping }: FaultTime): FaultBehaviour => ({
  kind: 'lose-reply',
  options: {},
  act: async (call, next) => {
    await next(call)
    return silence(call, stopping, true)
  },
})

/** The service answers, but the connection is closed after half of the body. */
export const truncate = (): FaultBehaviour => ({
  kind: 'truncate',
  options: {},
  act: async (call, next) => cut(await next(call), 'truncated'),
})

export interface FlapOptions {
  /** Milliseconds of service between two breaks. The first phase is up. */
  upMs: number
  downMs: number
}

/** Up, down, up, down: connections are refused during `downMs` of every `upMs + downMs`. */
export const flap = ({ upMs, downMs }: FlapOptions): FaultBehaviour => ({
  ...outage(),
  kind: 'flap',
  closesPort: false,
  options: { upMs, downMs },
  on: (sinceMs) => sinceMs % (upMs + downMs) >= upMs,
})

export type PartitionDirection = 'both' | 'to' | 'from'

/**
 * A black hole between two sides: packets vanish, so calls get no answer at all. `both` and `to` lose the requests of
 * side `a`; `from` lets them through and loses the answers. With `both` the calls of side `b` are lost too.
 */
export function partition(
  a: readonly string[],
  b: readonly string[],
  direction: PartitionDirection,
  { stopping }: FaultTime,
): FaultBehaviour {
  const crosses = (from: readonly string[], to: readonly string[], caller: string, callee: string) =>
    from.includes(caller) && to.includes(callee)
  return {
    kind: 'partition',
    options: { a: [...a], b: [...b], direction },
    // Traffic from b to a travels as requests of b and as replies to a.
    appliesTo: (caller, callee) => crosses(a, b, caller, callee) || crosses(b, a, caller, callee),
    act: async (call, next) => {
      const outbound = crosses(a, b, call.caller, call.callee)
      const requestLost = direction === 'both' || (direction === 'to' ? outbound : !outbound)
      if (requestLost) return silence(call, stopping, false)
      await next(call)
      return silence(call, stopping, true)
    },
  }
}

/** Half of the body of an answer, and the promise of the whole; of a stream its first piece. A failure passes as it is. */
async function cut(reply: Reply, outcome: 'truncated' | 'reset-mid-body'): Promise<Reply> {
  if (reply.outcome !== 'answered') return reply
  const isStream = reply.body !== null && 'getReader' in reply.body
  const body = isStream ? await firstPiece(reply.body) : (reply.body ?? new Uint8Array())
  if (body.byteLength === 0)
    // There is nothing to cut in an empty body; the connection breaks before the headers instead.
    return failed(outcome === 'truncated' ? 'closed' : 'reset', { processed: true })
  const sent = isStream ? body : body.slice(0, body.byteLength >> 1)
  return failed(outcome, {
    processed: true,
    message: `the connection broke after ${sent.byteLength}${isStream ? '' : ` of ${body.byteLength}`} bytes`,
    partial: {
      status: reply.status,
      headers: reply.headers.filter(([name]) => name !== 'content-length'),
      body: sent,
      ...(!isStream && { declaredLength: body.byteLength }),
    },
  })
}

async function firstPiece(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader()
  try {
    return (await reader.read()).value ?? new Uint8Array()
  } catch {
    // The service's own stream has failed: nothing of it arrives.
    return new Uint8Array()
  } finally {
    reader.cancel().catch(() => {})
  }
}
