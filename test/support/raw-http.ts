import net from 'node:net'

export interface RawAnswer {
  /** All bytes that came, one character each. */
  readonly bytes: string
  /** The pieces in which they came. */
  readonly pieces: readonly string[]
  /** `FIN`, or the code of the error that ended the connection. */
  readonly ending: string
}

/** Sends these bytes over a connection of its own, and gives what comes back until the connection ends. */
export function rawHttp(url: string, request: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  const pieces: string[] = []
  socket.setNoDelay(true)
  socket.on('data', (chunk: Buffer) => pieces.push(chunk.toString('latin1')))
  socket.write(request)
  return new Promise((resolve) => {
    const end = (ending: string) => {
      socket.destroy()
      resolve({ bytes: pieces.join(''), pieces, ending })
    }
    socket.once('end', () => end('FIN'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}

export const getRequest = (path: string, ...headers: string[]): string =>
  ['GET ' + path + ' HTTP/1.1', 'host: x', ...headers, '', ''].join('\r\n')
