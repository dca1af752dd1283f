import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach } from 'vitest'

export interface ByteServer {
  readonly port: number
  /** `tcp://127.0.0.1:<port>` */
  readonly url: string
  readonly sockets: ReadonlySet<Socket>
  close(): Promise<void>
}

export interface ByteClient {
  readonly socket: Socket
  /** All that has come so far. */
  readonly received: () => Buffer
  /** Resolves with all that has come once there are so many bytes of it. */
  bytes(count: number): Promise<Buffer>
  /** Resolves with how the connection ended: `FIN`, or the code of the error. */
  readonly ending: Promise<string>
}

/** Servers and clients on 127.0.0.1 that are gone when the test ends. */
export function byteServers() {
  const undos: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const undo of undos.splice(0).reverse()) await undo()
  })

  /** A server that does this with each connection; by default it sends everything back, and ends when the client does. */
  async function serve(
    accept: (socket: Socket) => void = (socket) => void socket.pipe(socket),
    port = 0,
  ): Promise<ByteServer> {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => sockets.delete(socket))
      accept(socket)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const bound = (server.address() as AddressInfo).port
    const close = async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    }
    undos.push(close)
    return { port: bound, url: `tcp://127.0.0.1:${bound}`, sockets, close }
  }

  /** Connects to `tcp://127.0.0.1:<port>`. */
  async function dial(url: string): Promise<ByteClient> {
    const client = attempt(url)
    await once(client.socket, 'connect')
    return client
  }

  /** As `dial`, without waiting for the connection. */
  function attempt(url: string): ByteClient {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
    undos.push(() => void socket.destroy())
    const chunks: Buffer[] = []
    let size = 0
    const waiting = new Set<() => void>()
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.byteLength
      for (const wake of waiting) wake()
    })
    const ending = new Promise<string>((resolve) => {
      socket.once('end', () => resolve('FIN'))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
    })
    const received = () => Buffer.concat(chunks)
    return {
      socket,
      received,
      ending,
      bytes: (count) =>
        new Promise((resolve, reject) => {
          const look = () => {
            if (size < count) return
            waiting.delete(look)
            resolve(received())
          }
          waiting.add(look)
          socket.once('error', reject)
          look()
        }),
    }
  }

  return { serve, dial, attempt }
}
