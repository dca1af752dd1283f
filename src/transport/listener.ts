import { EventEmitter, once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Door } from '../call/door.ts'
import { MeshError } from '../errors.ts'
import { exchange } from './http-exchange.ts'
import type { Wire } from './http-exchange.ts'

export interface ListenerOptions {
  /** The service that whoever connects speaks as. */
  readonly caller: string
  readonly callee: string
  /** Default: one that is free. */
  readonly port?: number
}

export interface Listener {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  readonly port: number
  /** Resolves when the port is as the mesh wants it: closed after an outage began, open after it ended. */
  settled(): Promise<void>
  /** Closes the port and its connections; resolves when nothing is left. Idempotent. */
  close(): Promise<void>
}

/**
 * A real address on 127.0.0.1 at which one service can be reached by one caller, in any process and language. Faults are
 * those of a socket: while the mesh refuses this edge, the port is closed and its connections are reset, and the same port
 * opens again afterwards; a reset is an RST, a closed connection a FIN, a truncated body stops at the byte. A refusal of a
 * single request (one that comes with a probability, say) can only be known once the request was read: it is an RST.
 *
 * @throws MeshError MESH_PORT_TAKEN when the port is in use.
 */
export async function openListener(door: Door, { caller, callee, port = 0 }: ListenerOptions): Promise<Listener> {
  const sockets = new Set<Socket>()
  const http = httpServer(door, caller, callee)
  const accept = (socket: Socket) => {
    sockets.add(socket)
    socket.unref()
    socket.once('close', () => sockets.delete(socket))
    http.emit('connection', socket)
  }

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
      for (const socket of sockets) {
        if (isClosed) socket.destroy()
        else socket.resetAndDestroy()
      }
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

/** Parses what comes over accepted sockets; it never listens itself, so that the port can come and go under it. */
function httpServer(door: Door, caller: string, callee: string) {
  const server = createHttpServer({ keepAliveTimeout: 0 }, (request, response) => {
    request.socket.ref()
    response.once('close', () => request.socket.unref())
    void exchange({
      request,
      response,
      wire: wireOf(request.socket),
      enter: (received) => {
        const { pathname, search, href } = addressed(received.path, request.headers.host)
        return door.enter({ ...received, path: pathname + search, url: href, caller, callee, origin: 'listener' })
      },
      problem: (error) => door.problem(error),
    })
  })
  // An own property goes around instrumentation that patches the prototype and would report the mesh's inside as the
  // server of the code under test.
  server.emit = EventEmitter.prototype.emit
  return server
}

/** Requests may name their target in full, as for a proxy. */
function addressed(target: string, host = '127.0.0.1'): URL {
  // Joined as text, because a path that begins with two slashes would be taken for a host.
  const text = target.startsWith('/') ? `http://${host}${target}` : target
  return URL.canParse(text) ? new URL(text) : new URL(`http://127.0.0.1${target.startsWith('/') ? target : '/'}`)
}

const wireOf = (socket: Socket): Wire => ({
  refuse: () => void socket.resetAndDestroy(),
  reset: () => void socket.resetAndDestroy(),
  close: () => socket.destroySoon(),
})

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
