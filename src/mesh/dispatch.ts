import type { Call } from '../call/call.ts'
import { edgeName } from '../call/call.ts'
import type { Incoming } from '../call/door.ts'
import type { Filter } from '../call/filter.ts'
import { answered, failed } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'
import type { Recorder } from '../journal/journal.ts'
import type { Clock } from '../time/clock.ts'
import type { MeshDefinition } from '../topology/definition.ts'
import { CallSignals } from './call-signals.ts'
import type { CallSignal } from './call-signals.ts'
import { roundMs } from './chain.ts'
import type { EdgeRuntime, Fabric } from './fabric.ts'
import { untilGivenUp } from './given-up.ts'
import { tooManyHops, undeclaredCall } from './mistakes.ts'
import { OpenCalls } from './open-calls.ts'

export interface DispatchContext {
  readonly definition: MeshDefinition
  readonly fabric: Fabric
  readonly clock: Clock
  readonly record: Recorder['record']
  problem(error: Error, where: { call?: string; edge?: string }): void
}

/** Turns requests into calls, sends them down the chain of their edge, and keeps the books of those in flight. */
export class Dispatch {
  readonly open: OpenCalls
  readonly #context: DispatchContext
  readonly #untilGivenUp: Filter
  readonly #signals = new CallSignals()
  /** Calls made so far by each call. Kept as long as the journal: a handler may call on after it has answered. */
  readonly #children = new Map<string, number>()
  /** Tries so far of each call in flight. */
  readonly #attempts = new Map<string, number>()
  /** What callers still wait for. */
  readonly #runs = new Set<Promise<unknown>>()
  /**
   * Calls that entered the mesh and went beyond the hop limit. Nothing more is called because of them: with retries on the
   * way, each hop of the cycle would multiply the calls.
   */
  readonly #endless = new Map<string, Error>()
  #entered = 0
  #isClosed = false

  constructor(context: DispatchContext) {
    this.#context = context
    this.open = new OpenCalls(context.clock)
    this.#untilGivenUp = untilGivenUp(this.open)
  }

  async enter(incoming: Incoming): Promise<Reply> {
    const { caller, callee, parent } = incoming
    if (this.#isClosed) return failed('refused', { message: 'the mesh has stopped', processed: false })
    if (this.#context.fabric.wasRemoved(callee))
      return failed('refused', { message: `${callee} was removed`, processed: false })
    const edge = this.#edgeFor(incoming)
    if (!edge) return failed('undeclared', { message: `no edge ${edgeName(caller, callee)}`, processed: false })
    const mode = edge.options.mode ?? 'sync'
    // Fire and forget: the work goes on after the caller has its 202, whatever becomes of the caller.
    const signal = this.#signals.open(mode === 'async' ? undefined : incoming.signal)
    const call: Call = Object.freeze({
      id: this.#nextId(parent?.id),
      ...(parent && { parent: parent.id }),
      caller,
      callee,
      edge: edge.name,
      mode,
      origin: incoming.origin,
      method: incoming.method,
      path: incoming.path,
      url: incoming.url,
      headers: incoming.headers,
      body: incoming.body,
      ...(incoming.upgrade && { upgrade: incoming.upgrade }),
      attempt: 0,
      nth: ++edge.calls,
      hops: parent ? [...parent.hops, callee] : [caller, callee],
      signal: signal.signal,
    })
    const traceparent = incoming.headers.find(([name]) => name === 'traceparent')?.[1]
    this.#context.record('call.started', {
      call: call.id,
      ...(parent && { parent: parent.id }),
      edge: call.edge,
      mode,
      origin: call.origin,
      method: call.method,
      path: call.path,
      ...(traceparent && { traceparent }),
    })
    const reply = this.#run(edge, call, signal).finally(() => this.#runs.delete(reply))
    this.#runs.add(reply)
    // Only `settled` waits for an asynchronous call.
    return mode === 'async' ? answered(202) : reply
  }

  async #run(edge: EdgeRuntime, call: Call, { release }: CallSignal): Promise<Reply> {
    const { clock, record } = this.#context
    const startMs = clock.now()
    const done = this.open.add(call)
    // The end of the call takes some promise jobs from here; a test may look before. A mesh that stops is no caller.
    const givenUp = () => {
      if (!this.#isClosed) record('call.given-up', { call: call.id, edge: call.edge })
    }
    const end = (reply: Reply) => {
      call.signal.removeEventListener('abort', givenUp)
      record('call.ended', {
        call: call.id,
        edge: call.edge,
        outcome: reply.outcome,
        ...(reply.outcome === 'answered' && { status: reply.status }),
        durationMs: roundMs(clock.now() - startMs),
        attempts: this.#attempts.get(call.id) ?? 0,
        ...(reply.outcome === 'answered' && reply.via && { via: reply.via }),
        ...(reply.outcome !== 'answered' && reply.message && { message: reply.message }),
      })
      // Whoever writes the body still has to hear that nobody reads it any more.
      const isStreamed = reply.outcome === 'answered' && reply.body !== null && 'getReader' in reply.body
      if (!isStreamed) release()
      this.#attempts.delete(call.id)
      done()
    }
    call.signal.addEventListener('abort', givenUp, { once: true })
    const reply = this.#beyondHopLimit(call) ?? (await this.#through(edge, call))
    if (reply.outcome === 'answered' && reply.headMs) this.#whileHeadArrives(reply, reply.headMs, call, end)
    else end(reply)
    return reply
  }

  /** A caller whose answer trickles in has it when it has the whole head, and may give up before. */
  #whileHeadArrives(reply: Reply, headMs: number, { signal }: Call, end: (reply: Reply) => void): void {
    const arrival = this.#context.clock.sleep(headMs, signal).then(() => {
      this.#runs.delete(arrival)
      end(signal.aborted ? failed('aborted', { message: 'the caller gave up' }) : reply)
    })
    this.#runs.add(arrival)
  }

  /** Nothing on the way throws for what the simulated world does wrong; what is thrown all the same must end the call, too. */
  async #through({ chain, name }: EdgeRuntime, call: Call): Promise<Reply> {
    try {
      return await chain.run(call)
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      this.#context.problem(error, { call: call.id, edge: name })
      return failed('handler-failed', { message: error.message })
    }
  }

  /** Stands where a try leaves its caller, below all that may keep it from leaving. */
  readonly underWay: Filter = (call, next) => {
    this.#attempts.set(call.id, call.attempt + 1)
    return this.#untilGivenUp(call, next)
  }

  /** Refuses further calls and aborts those in flight. */
  close(reason: unknown): void {
    this.#isClosed = true
    this.#signals.abortAll(reason)
  }

  /** Resolves when every caller has what it waited for. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#runs)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The id of the next call that enters the mesh. */
  nextId(): string {
    return this.#nextId(undefined)
  }

  #nextId(parent: string | undefined): string {
    if (parent === undefined) return String(++this.#entered)
    const nth = (this.#children.get(parent) ?? 0) + 1
    this.#children.set(parent, nth)
    return `${parent}.${nth}`
  }

  #edgeFor(incoming: Incoming): EdgeRuntime | undefined {
    const { definition, fabric, problem } = this.#context
    const { caller, callee } = incoming
    const name = edgeName(caller, callee)
    const edge = fabric.findEdge(name)
    if (edge) return edge
    if (definition.undeclaredCalls === 'allow' && fabric.findService(callee)) return fabric.openEdge(caller, callee, {})
    const isService = fabric.findService(caller) !== undefined
    const error = undeclaredCall(incoming, { mesh: definition.name, topology: fabric.topology, isService })
    problem(error, { edge: name })
    return undefined
  }

  #beyondHopLimit(call: Call): Reply | undefined {
    const { definition, problem } = this.#context
    const root = call.id.split('.', 1)[0]!
    let error = this.#endless.get(root)
    if (!error) {
      if (call.hops.length - 1 <= definition.hopLimit) return undefined
      error = tooManyHops(call, definition.hopLimit)
      this.#endless.set(root, error)
      problem(error, { call: call.id, edge: call.edge })
    }
    return failed('hop-limit', { message: error.message, processed: false })
  }
}
