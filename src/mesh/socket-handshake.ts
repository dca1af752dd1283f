import type { Call, HeaderList } from '../call/call.ts'
import { header } from '../call/call.ts'
import type { AnsweredReply, Dialled, Reply } from '../call/reply.ts'
import { scopes } from '../call/scope.ts'
import type { Scope } from '../call/scope.ts'
import type { PeerSocket, Upgrade } from '../call/socket.ts'
import { MeshError } from '../errors.ts'
import type { Handler } from '../topology/options.ts'
import { SocketClient, SocketServer } from './socket-connection.ts'
import { SocketSession } from './socket-session.ts'
import type { SocketContext } from './socket-session.ts'

/** What MSW's WebSocket handlers have, of whatever copy and major of it. */
export interface SocketHandler {
  readonly kind: 'websocket'
  readonly url: string | RegExp
  test?(url: string | URL, context: ResolutionContext): boolean
  run(connection: object, context: ResolutionContext): Promise<unknown>
}

interface ResolutionContext {
  readonly baseUrl: string
}

export const isSocketHandler = (handler: unknown): boolean =>
  (handler as { kind?: unknown } | null)?.kind === 'websocket'

// By what they can do: MSW's types keep the address to itself.
const socketHandlers = (handlers: readonly Handler[]): SocketHandler[] =>
  handlers.filter(isSocketHandler) as unknown as SocketHandler[]

/** `WS wss://chat.shop.test/room`, for each handler: what a message about an unhandled socket lists. */
export const socketRoutes = (handlers: readonly Handler[]): string[] =>
  socketHandlers(handlers).map(({ url }) => `WS ${String(url)}`)

export interface Handshake {
  readonly call: Call
  readonly scope: Scope
  /** Of the service: `https://chat.shop.test`. */
  readonly origin: string
  readonly handlers: readonly Handler[]
  readonly context: SocketContext
  /** Connects to the real service; absent without one. */
  readonly dial?: (() => Promise<Dialled>) | undefined
  onRoute(route: string): void
}

/**
 * Answers a WebSocket's handshake: 101 when one of the service's handlers takes it, else what the real service says, if
 * there is one. Undefined when nobody takes it. Handlers are not run before the connection is open.
 */
export async function answerHandshake(handshake: Handshake): Promise<Reply | undefined> {
  const { call, origin, onRoute, dial } = handshake
  const taken = takenBy(handshake)
  if (taken) {
    onRoute(taken.handlers.map(({ url }) => String(url))[0]!)
    const [protocol] = offered(call)
    return switching(protocol === undefined ? [] : [['sec-websocket-protocol', protocol]], {
      open: (peer) => void open(handshake, peer, taken),
      discard: () => {},
    })
  }
  if (!dial) return undefined
  const dialled = await dial()
  if ('reply' in dialled) return dialled.reply
  const real = dialled.peer
  return switching(dialled.headers, {
    open: (peer) => {
      const { server } = open(handshake, peer, { handlers: [], url: socketUrl(origin, call.path) })
      server.opened(real)
    },
    discard: () => real.close(1001),
  })
}

interface Taken {
  readonly handlers: readonly SocketHandler[]
  readonly url: URL
}

/** Whether a service is written with ws:// or wss:// is often a matter of taste where there is no real TLS. */
function takenBy({ call, origin, handlers }: Handshake): Taken | undefined {
  const sockets = socketHandlers(handlers)
  const url = socketUrl(origin, call.path)
  const other = socketUrl(
    origin.replace(/^http(s?)/, (_, s: string) => (s ? 'http' : 'https')),
    call.path,
  )
  for (const each of [url, other]) {
    const taking = sockets.filter((handler) => handler.test?.(each.href, { baseUrl: origin }) ?? true)
    if (taking.length > 0) return { handlers: taking, url: each }
  }
  return undefined
}

// Joined as text, because a path that begins with two slashes would be taken for a host.
const socketUrl = (origin: string, path: string): URL => new URL(origin.replace(/^http/, 'ws') + path)

const offered = ({ headers }: Call): string[] =>
  (header(headers, 'sec-websocket-protocol') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const switching = (headers: HeaderList, upgrade: Upgrade): AnsweredReply =>
  Object.freeze({ outcome: 'answered', status: 101, headers, body: null, upgrade })

function open({ call, scope, origin, context, dial }: Handshake, peer: PeerSocket, { handlers, url }: Taken) {
  const session = new SocketSession(call, peer, context)
  const failedWith = (error: unknown) => {
    if (MeshError.is(error)) context.problem(error, call)
    session.close(1011, closeReason(String((error as Error | undefined)?.message ?? error)))
  }
  const run = (listener: () => unknown) => {
    try {
      const result = scopes.run(scope, listener)
      if (isThenable(result)) result.then(undefined, failedWith)
    } catch (error) {
      failedWith(error)
    }
  }
  const parts = {
    id: `${scope.door.id}/${call.id}/${call.attempt}`,
    url,
    session,
    run,
    dial: () => dialled(call, dial),
  }
  const client = new SocketClient(parts)
  const server = new SocketServer(parts)
  session.begin({
    message(data) {
      if (client.received(data)) server.forward(data)
    },
    closed(code, reason) {
      client.closed(code, reason)
      server.clientClosed(code, reason)
    },
  })
  const connection = { client, server, info: { protocols: offered(call) } }
  // It may have ended with the mesh as it began.
  if (!session.isEnded) for (const handler of handlers) run(() => handler.run(connection, { baseUrl: origin }))
  return { client, server }
}

async function dialled(call: Call, dial: Handshake['dial']): Promise<PeerSocket> {
  if (!dial)
    throw new MeshError('MESH_UNSUPPORTED', `server.connect: "${call.callee}" has no real service behind it`, {
      fix: `Give it one (upstream: 'http://127.0.0.1:3000'), or leave server.connect() out.`,
    })
  const answer = await dial()
  if ('peer' in answer) return answer.peer
  const { reply } = answer
  throw new Error(reply.outcome === 'answered' ? `the real service answered ${reply.status}` : reply.message)
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function'

/** The reason of a close frame has at most 123 bytes (RFC 6455, section 5.5). */
function closeReason(text: string): string {
  let reason = text.slice(0, 123)
  while (new TextEncoder().encode(reason).byteLength > 123) reason = reason.slice(0, -1)
  return reason
}
