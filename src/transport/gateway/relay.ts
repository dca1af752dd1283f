import { connect, type Socket } from 'node:net'
import { turns } from '../../time/turns.ts'
import { lookAt, type RequestHead } from './head.ts'
import { markOf, type Mark } from './key.ts'
import type { Route } from './roster.ts'
import { reset } from '../reset.ts'

/** Turns of the event loop in which a client has read what was sent to it before the connection is torn. */
const turnsToRead = 8

export interface Relay {
  readonly edge: string
  /** Whether the edge carries bytes of any protocol: nothing in them is read, and whoever connects may expect to be spoken to. */
  readonly isBytes: boolean
  route(mark: Mark): Route
  /** Told of each connection that comes to its mesh, and of each that finds none. */
  relayed(): void
  lost(line: string): void
  /** Told of each connection that is opened on behalf of a client. */
  opened(socket: Socket): void
}

/**
 * Takes a connection of a service under test to the mesh that its request belongs to. Only the head of the request is read;
 * from then on bytes go both ways as they are, so that whatever a mesh does to a connection arrives: garbage, half a body, an
 * RST, a FIN. Each connection carries one request (`connection: close`), because the next one may belong to another mesh.
 */
export function relay(client: Socket, { edge, isBytes, route, relayed, lost, opened }: Relay): void {
  let seen: Buffer = Buffer.alloc(0)
  client.on('error', () => {})

  const give = (way: Route, first: Buffer, line: string, refuse: (text: string) => void) => {
    client.off('data', read)
    client.off('end', ended)
    client.pause()
    if (way.state === 'lost') {
      lost(`${edge} ${line}: ${way.why}`)
      return refuse(`${edge} ${line}: ${way.why}.\n${way.fix}\n`)
    }
    relayed()
    const mesh = connect({ port: way.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    opened(mesh)
    splice(client, mesh)
    mesh.write(first)
  }
  const answer = (text: string) => {
    client.end(noMesh(text))
    // What is still being sent has to be read: a client that is cut off while it writes would not see the answer.
    client.resume()
    client.once('end', () => client.destroy())
  }

  const read = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
    const look = lookAt(seen)
    switch (look.kind) {
      case 'incomplete':
        return
      case 'request':
        return give(route(markOf(look.request.headers)), closing(look.request, seen), shown(look.request.line), answer)
      case 'unreadable':
        return give(route({}), seen, '(no request that could be read)', answer)
      case 'opaque':
        return give(route({}), seen, '(TLS or HTTP/2, which is not read)', () => reset(client))
    }
  }
  // Gone before it has said what it wants.
  const ended = () => void client.destroy()
  if (isBytes) return give(route({}), seen, '(a connection of bytes, which name no mesh)', () => reset(client))
  client.on('data', read)
  client.once('end', ended)
}

/** As it can stand in a line of a terminal. */
const shown = (line: string) => line.slice(0, 200).replace(/[^\x20-\x7e]/g, '?')

const closing = ({ closing: head, length }: RequestHead, seen: Buffer) => Buffer.concat([head, seen.subarray(length)])

/** Bytes, FIN and RST of each side are passed on to the other. */
function splice(client: Socket, mesh: Socket): void {
  client.pipe(mesh)
  mesh.pipe(client)
  mesh.once('error', () => void tear(client))
  client.once('error', () => reset(mesh))
  client.once('close', () => mesh.destroy())
}

/** An RST overtakes what is still to be sent and what has not been read yet. */
async function tear(socket: Socket): Promise<void> {
  if (socket.writableLength > 0)
    await new Promise<void>((resolve) => {
      socket.once('drain', resolve)
      socket.once('close', resolve)
    })
  await turns(turnsToRead)
  reset(socket)
}

/** 421 Misdirected Request: nobody retries it, and no circuit breaker takes it for a failure of the callee. */
function noMesh(text: string): string {
  return [
    'HTTP/1.1 421 Misdirected Request',
    'x-mesh-outcome: no-mesh',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
    '',
    text,
  ].join('\r\n')
}
