import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { ByteEdge } from '../call/connection.ts'
import type { Door } from '../call/door.ts'
import { MeshError } from '../errors.ts'
import type { Listener, ListenerOptions } from './listener.ts'
import { RelayedConnection, turnAway } from './tcp-connection.ts'
import { reset } from './reset.ts'

/**
 * A real address on 127.0.0.1 at which one caller reaches a service that speaks bytes: a database, a cache, a broker. What
 * comes in goes to the service's upstream and back, unread. While the mesh refuses this edge the port is closed, and opens
 * again afterwards. Only the real upstream can refuse a connection later than that: the client is accepted, and then reset.
 *
 * @throws MeshError MESH_PORT_TAKEN when the port is in use.
 */
export async function openTcpRelay(
  door: Pick<Door, 'problem'>,
  edge: ByteEdge,
  { caller, callee, port = 0 }: ListenerOptions,
): Promise<Listener> {
  const connections = new Set<RelayedConnection>()
  const accept = (client: Socket) => {
    // It was waiting when the port was closed.
    if (isClosed) return void client.destroy()
    if (edge.clock.mode === 'virtual') {
      door.problem(inVirtualTime(caller, callee))
      return reset(client)
    }
    const book = edge.open()
    const { tornDown } = book.shape('request')
    if (tornDown) {
      book.close(tornDown)
      return turnAway(client, tornDown)
    }
    const connection: RelayedConnection = new RelayedConnection(client, book, edge, () =>
      connections.delete(connection),
    )
    connections.add(connection)
  }

  let isClosed = false
  let server: Server | undefined = await listen(accept, port)
  const bound = (server.address() as AddressInfo).port
  // One change after the other: closing and opening the same port must not overlap.
  let changing: Promise<void> = Promise.resolve()

  const follow = async () => {
    const isRefused = isClosed || edge.isRefused
    if (isRefused && server) {
      const closing = once(server, 'close')
      server.close()
      server = undefined
      if (isClosed) for (const connection of connections) connection.stop()
      else for (const connection of connections) connection.changed()
      await closing
    } else if (!isRefused && !server) {
      server = await listen(accept, bound).catch((error: Error) => void door.problem(error))
    }
  }
  const changed = () => {
    for (const connection of connections) connection.changed()
    return (changing = changing.then(follow))
  }

  const unsubscribe = edge.onChange(() => void changed())
  await changed()
  return {
    url: `tcp://127.0.0.1:${bound}`,
    port: bound,
    settled: () => changing,
    async close() {
      isClosed = true
      unsubscribe()
      for (const connection of connections) connection.stop()
      await changed()
    },
  }
}

const inVirtualTime = (caller: string, callee: string) =>
  new MeshError(
    'MESH_UNSUPPORTED',
    `${caller}->${callee}: a connection was opened in virtual time, and bytes travel in real time only`,
    { fix: `Call "${callee}" outside of mesh.simulate.` },
  )

async function listen(accept: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server.unref()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new MeshError('MESH_PORT_TAKEN', `Port ${port} on 127.0.0.1 is taken by another program or mesh`, {
      fix: 'Leave the port out to get a free one, or end what listens there.',
      cause: error,
    })
  }
}
