import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Door } from '../call/door.ts'
import { isTidyPath } from '../call/tidy-path.ts'
import { MeshError } from '../errors.ts'
import { AtOnce } from './at-once.ts'
import { sharedAuthority } from './authority.ts'
import { createConnectionServer } from './connections.ts'
import { exchange } from './http-exchange.ts'
import type { Received } from './http-exchange.ts'
import { shakeHands } from './websocket.ts'

export interface ListenerOptions {
  /** The service that whoever connects speaks as. */
  readonly caller: string
  readonly callee: string
  /** Default: one that is free. */
  readonly port?: number
}

export interface Listener {
  /** `http://127.0.0.1:<port>`. The same port speaks TLS, too. */
  readonly url: string
  readonly port: number
  /** Resolves when the port is as the mesh wants it: closed after an outage began, open after it ended. */
  settled(): Promise<void>
  /** Closes the port and its connections; resolves when nothing is left. Idempotent. */
  close(): Promise<void>
}

/**
 * A real address on 127.0.0.1 at which one service can be reached by one caller, in any process and language. It speaks
 * HTTP/1.1, HTTP/2 (h2c with prior knowledge), and TLS with both of them: what the first bytes of a connection ask for.
 * Whatever host a request names, it belongs to the edge of this port.
 *
 * Faults are those of a socket: while the mesh refuses this edge, the port is closed and its connections are reset, and the
 * same port opens again afterwards; a reset is an RST, a closed connection a FIN, a truncated body stops at the byte. A refusal
 * of a single request (one that comes with a probability, say) can only be known once the request was read: it is an RST. In
 * HTTP/2 a fault of a single request ends its stream alone.
 *
 * @throws MeshError MESH_PORT_TAKEN when the port is in use; MESH_INVALID_OPTION when MESHWRIGHT_CA names no authority.
 */
export async function openListener(door: Door, { caller, callee, port = 0 }: ListenerOptions): Promise<Listener> {
  // One that is named and cannot be used is told now, not to the first client.
  if (process.env['MESHWRIGHT_CA']) await sharedAuthority()
  const atOnce = new AtOnce(door)
  const problem = (error: Error) => door.problem(error)
  const connections = createConnectionServer({
    authority: sharedAuthority,
    problem,
    serve(request, response, wire, edge: { caller: string; callee: string }, { isSecure, protocol }) {
      // Over HTTP/2 a body needs no header that announces it.
      if (!isSecure && protocol === 'http/1.1' && atOnce.answer(request, response, edge)) return
      void exchange({
        request,
        response,
        wire,
        clock: door.clock,
        enter(received) {
          const place = addressed(received.path, request.headers.host, isSecure)
          return door.enter({ ...received, ...edge, ...place, origin: 'listener' })
        },
        streams: door.streams(edge.caller, edge.callee),
        problem,
      })
    },
    upgrade(request, socket, head, edge, { isSecure }, wire) {
      const enter = (received: Received) => {
        const place = addressed(received.path, request.headers.host, isSecure)
        return door.enter({ ...received, ...edge, ...place, origin: 'listener' })
      }
      void shakeHands({ request, socket, head, wire, clock: door.clock, enter, problem })
    },
  })
  const edge = { caller, callee }
  const accept = (socket: Socket) => connections.accept(socket, edge)

  let server: Server | undefined = await listen(accept, port)
  const bound = (server.address() as AddressInfo).port
  let isClosed = false
  // One change after the other: closing and opening the same port must not overlap.
  let changing: Promise<void> = Promise.resolve()

  const follow = async () => {
    const isRefused = isClosed || door.refuses(caller, callee)
    if (isRefused && server) {
      const closing = once(server, 'close')
      server.close()
      server = undefined
      if (isClosed) await connections.close()
      else connections.resetAll()
      await closing
    } else if (!isRefused && !server) {
      server = await listen(accept, bound).catch((error: Error) => void door.problem(error))
    }
  }
  const changed = () => (changing = changing.then(follow))

  const unsubscribe = door.onRefusalChange(() => void changed())
  await changed()
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    settled: () => changing,
    async close() {
      isClosed = true
      unsubscribe()
      await changed()
    },
  }
}

const plainHost = /^[\w.-]+(:\d+)?$/
/** With the addresses and names that are not so plain. What else a client calls a host must not become a part of the path. */
const anyHost = /^(\[[\da-f:.]+\]|[^\s/?#@\\:[\]]+)(:\d+)?$/i

/** Requests may name their target in full, as for a proxy. */
function addressed(target: string, host = '127.0.0.1', isSecure = false): { path: string; url: string } {
  const scheme = isSecure ? 'https' : 'http'
  // Parsing costs more than the rest of the way in, and changes hardly anything.
  if (isTidyPath(target) && plainHost.test(host)) return { path: target, url: `${scheme}://${host}${target}` }
  // Joined as text, because a path that begins with two slashes would be taken for a host.
  const text = target.startsWith('/') ? `${scheme}://${anyHost.test(host) ? host : '127.0.0.1'}${target}` : target
  const url = URL.canParse(text) ? new URL(text) : new URL(`http://127.0.0.1${target.startsWith('/') ? target : '/'}`)
  return { path: url.pathname + url.search, url: url.href }
}

async function listen(accept: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    // A forgotten stop() must not keep a script from ending. Requests under way do: their sockets are referenced meanwhile.
    return server.unref()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new MeshError('MESH_PORT_TAKEN', `Port ${port} on 127.0.0.1 is taken by another program or mesh`, {
      fix: 'Leave the port out to get a free one, or end what listens there.',
      cause: error,
    })
  }
}
