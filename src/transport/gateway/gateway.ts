import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { MeshError } from '../../errors.ts'
import { controlServer } from './control.ts'
import { newToken } from './key.ts'
import { controlUrl } from './protocol.ts'
import { relay } from './relay.ts'
import { Roster } from './roster.ts'

/** Lines about requests that found no mesh, of which the first are kept. */
const maxLines = 20

export interface GatewayEdge {
  readonly edge: string
  readonly isBytes: boolean
  /** 0 takes one that is free. */
  readonly port: number
}

export interface OpenGateway {
  /** Where meshes register, with the token in it. */
  readonly url: string
  /** The port of each edge. */
  readonly ports: ReadonlyMap<string, number>
  /** Meshes that are registered now. */
  readonly meshes: number
  /** Connections that came to a mesh so far. */
  readonly relayed: number
  /** Requests that found no mesh so far. */
  readonly lost: number
  /** What the first of them were, a line each. */
  readonly lostLines: readonly string[]
  close(): Promise<void>
}

export interface GatewayOptions {
  /** The name of the definition. */
  readonly mesh: string
  readonly edges: readonly GatewayEdge[]
  /** Of the control side; 0 takes one that is free. */
  readonly port: number
  /** Default: a new one. */
  readonly token?: string | undefined
}

/**
 * Fixed addresses of the edges of services under test, which lead each request to the mesh that it belongs to.
 *
 * @throws MeshError MESH_PORT_TAKEN when a port is in use.
 */
export async function openGateway({ mesh, edges, port, token }: GatewayOptions): Promise<OpenGateway> {
  const secret = token ?? newToken()
  const roster = new Roster()
  const sockets = new Set<Socket>()
  const lines: string[] = []
  let relayed = 0
  let lost = 0

  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  const serverOf = ({ edge, isBytes }: GatewayEdge) =>
    createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      keep(socket)
      relay(socket, {
        edge,
        isBytes,
        route: (mark) => roster.route(edge, mark),
        relayed: () => relayed++,
        lost(line) {
          lost++
          if (lines.length < maxLines) lines.push(line)
        },
        opened: keep,
      })
    })

  const control = controlServer({ token: secret, mesh, edges: edges.map(({ edge }) => edge), roster })
  control.on('connection', keep)
  const servers = new Map<string, Server>()
  const close = async () => {
    const all: Server[] = [control, ...servers.values()].filter((server) => server.listening)
    const closed = all.map((server) => once(server, 'close'))
    for (const server of all) server.close()
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }
  try {
    for (const edge of edges) {
      const server = serverOf(edge)
      await listen(server, edge.port)
      servers.set(edge.edge, server)
    }
    await listen(control, port)
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: controlUrl({ port: portOf(control), token: secret }),
    ports: new Map([...servers].map(([edge, server]) => [edge, portOf(server)])),
    get meshes() {
      return roster.size
    },
    get relayed() {
      return relayed
    },
    get lost() {
      return lost
    },
    lostLines: lines,
    close,
  }
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new MeshError('MESH_PORT_TAKEN', `Port ${port} on 127.0.0.1 is taken by another program or mesh`, {
      fix: 'Leave the port out to get a free one, or end what listens there.',
      cause: error,
    })
  }
}
