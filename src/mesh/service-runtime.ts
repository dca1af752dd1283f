import { header } from '../call/call.ts'
import type { Call } from '../call/call.ts'
import { answered, failed, localStatus } from '../call/reply.ts'
import type { Reply } from '../call/reply.ts'
import { scopes } from '../call/scope.ts'
import type { Scope } from '../call/scope.ts'
import { MeshError } from '../errors.ts'
import { directRun } from '../routing/direct-run.ts'
import { HandlerIndex, routeOf } from '../routing/handler-index.ts'
import type { Handler, ServiceOptions } from '../topology/options.ts'
import type { Dependency } from './dependencies.ts'
import { replyOf } from './handler-reply.ts'
import { forMsw, requestFor } from './handler-request.ts'
import { noResponse, spokeHttp, unhandledRequest, unhandledSocket } from './mistakes.ts'
import type { Ports } from './ports.ts'
import { ReplySequences } from './replies.ts'
import { answerHandshake, isSocketHandler, socketRoutes } from './socket-handshake.ts'
import type { SocketContext } from './socket-session.ts'
import { isStreamed, withWholeBody } from '../call/body.ts'

const passedThrough = answered(404, { text: '' })

/** What a service's handlers may do, from inside: the engine hands it in. */
export interface ServiceContext {
  readonly ports: Ports
  /** Declared dependencies right now, in declaration order. */
  dependencies(service: string): readonly Dependency[]
  /** A call that the service makes because of `call`. */
  callOn(service: string, callee: string, call: Call): Promise<Reply>
  readonly unhandledRequests: 'fail' | 'passthrough'
  problem(error: Error, call?: Call): void
  sleep(ms: number): Promise<void>
  readonly sockets: SocketContext
}

/** A service as it runs: its handlers, scripted replies and instances. */
export class ServiceRuntime {
  readonly name: string
  readonly origin: string
  readonly instances: readonly string[]
  readonly sequences = new ReplySequences()
  options: ServiceOptions
  upstream: string | undefined
  readonly #context: ServiceContext
  readonly #declared: readonly Handler[]
  #added: Handler[] = []
  #index: HandlerIndex
  /** Of requests that nothing takes, by request. */
  readonly #mistakes = new Map<string, Error>()

  constructor(name: string, options: ServiceOptions, context: ServiceContext) {
    this.name = name
    this.options = options
    this.origin = new URL(options.url ?? `http://${name}`).origin
    this.upstream = options.upstream
    const count = options.instances ?? 1
    this.instances = Array.from({ length: count }, (_, i) => `${name}-${i + 1}`)
    this.#context = context
    this.#declared = httpHandlers(options.handlers ?? [])
    this.#index = new HandlerIndex(this.#declared.filter(isForRequests), this.origin)
  }

  /** Puts handlers in front of the ones that are there, as MSW's `server.use`. */
  use(handlers: readonly Handler[]): void {
    this.#added = [...httpHandlers(handlers), ...this.#added]
    this.#mistakes.clear()
    this.#index = new HandlerIndex([...this.#added, ...this.#declared].filter(isForRequests), this.origin)
  }

  get hasHandlers(): boolean {
    return this.#added.length + this.#declared.length > 0
  }

  get routes(): string[] {
    return [...this.sequences.routes, ...this.#index.routes]
  }

  /** The instance that takes this try: each in turn, and a retry goes to the next one. */
  instanceFor(call: Pick<Call, 'nth' | 'attempt'>): string {
    return this.instances[(call.nth - 1 + call.attempt) % this.instances.length]!
  }

  /** Answers a call. `onRoute` is told which route took it. Runs handlers in `scope`. */
  async answer(call: Call, scope: Scope, onRoute: (route: string) => void): Promise<Reply> {
    if (this.options.tcp) {
      const error = spokeHttp(call)
      this.#context.problem(error, call)
      return failed('unhandled', { message: error.message, processed: false })
    }
    const scripted = this.sequences.take(call.method, call.path)
    if (scripted) {
      onRoute(scripted.route)
      await this.#context.sleep(scripted.delayMs)
      return scripted.reply
    }
    if (call.upgrade) return this.#shakeHands(call, scope, onRoute)
    if (this.upstream !== undefined) return this.#context.ports.forward(this.upstream, call)
    if (!this.hasHandlers) {
      onRoute('default handler')
      return this.#byDefault(call)
    }
    try {
      const taken = await scopes.run(scope, () => this.#ask(call))
      if (!taken) return this.#unhandled(call)
      onRoute(taken.route)
      return await replyOf(taken.response)
    } catch (error) {
      return this.#threw(error, call)
    }
  }

  async #shakeHands(call: Call, scope: Scope, onRoute: (route: string) => void): Promise<Reply> {
    const { upstream } = this
    const { ports, sockets } = this.#context
    const handlers = [...this.#added, ...this.#declared]
    const reply = await answerHandshake({
      call,
      scope,
      origin: this.origin,
      handlers,
      context: sockets,
      dial: upstream === undefined ? undefined : () => ports.dial(upstream, call),
      onRoute,
    })
    return reply ?? this.#refused(call, unhandledSocket(call, socketRoutes(handlers)))
  }

  async #ask(call: Call): Promise<{ route: string; response: Response } | undefined> {
    const pathname = call.path.split('?', 1)[0]!
    const candidates = this.#index.candidates(call.method, pathname)
    if (candidates.length === 0) return undefined
    let request = requestFor(call, this.origin)
    const cookie = header(call.headers, 'cookie')
    for (const handler of candidates) {
      // A handler may read the body and leave the answer to the next one.
      if (request.bodyUsed && !isStreamed(call.body)) request = requestFor(call, this.origin)
      const response = await (directRun(handler, { id: `${call.id}/${call.attempt}`, pathname, request, cookie }) ??
        this.#context.ports.answer([handler], forMsw(request, call), this.origin))
      if (response !== undefined && typeof response?.headers?.get !== 'function') {
        const error = noResponse(call, response)
        this.#context.problem(error, call)
        const headers = { 'x-mesh-outcome': 'handler-failed' }
        return {
          route: routeOf(handler),
          response: Response.json({ name: error.name, message: error.message }, { status: 500, headers }),
        }
      }
      if (response && response.headers.get('x-msw-intention') !== 'passthrough')
        return { route: routeOf(handler), response }
    }
    return undefined
  }

  /** No handlers: calls what it declares with the request it got, and answers 200 with the results or 502 with the failures. */
  async #byDefault(received: Call): Promise<Reply> {
    const call = await withWholeBody(received)
    const calls = await Promise.all(
      this.#context.dependencies(this.name).map(async ({ callee, mode }) => {
        const reply = await this.#context.callOn(this.name, callee, call)
        return {
          callee,
          mode,
          status: reply.outcome === 'answered' ? reply.status : localStatus(reply.outcome),
          outcome: reply.outcome,
        }
      }),
    )
    const failures = calls.filter(({ mode, status }) => mode === 'sync' && status >= 400)
    return answered(failures.length ? 502 : 200, {
      json: {
        service: this.name,
        calls: Object.fromEntries(
          calls.map(({ callee, status, outcome }) => [callee, outcome === 'answered' ? status : outcome]),
        ),
      },
    })
  }

  #unhandled(call: Call): Reply {
    if (this.#context.unhandledRequests === 'passthrough') return passedThrough
    // Finding what is nearest costs more than everything else; a client that asks in a loop gets the same error again.
    const key = `${this.sequences.version} ${call.caller} ${call.method} ${call.path.split('?', 1)[0]}`
    let error = this.#mistakes.get(key)
    if (!error) {
      if (this.#mistakes.size >= 100) this.#mistakes.clear()
      this.#mistakes.set(key, (error = unhandledRequest(call, this.routes)))
    }
    return this.#refused(call, error)
  }

  #refused(call: Call, error: Error): Reply {
    if (this.#context.unhandledRequests === 'passthrough') return passedThrough
    this.#context.problem(error, call)
    return failed('unhandled', { message: error.message, processed: false })
  }

  #threw(error: unknown, call: Call): Reply {
    if (MeshError.is(error)) {
      this.#context.problem(error, call)
      return failed('handler-failed', { message: error.message, processed: true })
    }
    const { name = 'Error', message = String(error), code, cause } = (error ?? {}) as Partial<Thrown>
    const networkCode = cause?.code ?? code
    // An uncaught network error is what a real service would turn into a bad gateway; anything else is its own fault.
    if (networkCode !== undefined)
      return failed('handler-failed', {
        message: `${this.name} did not catch: ${message} (${String(networkCode)})`,
        processed: true,
      })
    return answered(500, { json: { name, message }, headers: [['x-mesh-outcome', 'handler-failed']] })
  }
}

/** What users' code throws is anything; an error has these. */
interface Thrown {
  readonly name: string
  readonly message: string
  readonly code: unknown
  readonly cause: { readonly code?: unknown }
}

/**
 * The handlers as this mesh uses them. MSW notes in a handler whether it was used and how far its generator has come; a
 * definition's handlers serve many meshes, and each begins afresh.
 */
const httpHandlers = (handlers: readonly Handler[]): Handler[] =>
  handlers.map((handler) =>
    // Those of WebSockets note nothing, and can only be used as they are.
    isSocketHandler(handler) ? handler : Object.assign(Object.create(handler) as Handler, { isUsed: false }),
  )

const isForRequests = (handler: Handler): boolean => !isSocketHandler(handler)
