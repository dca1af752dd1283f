import type { RawData, WebSocket } from 'ws'
import type { PeerSocket } from '../call/socket.ts'

/** What a WebSocket without a closing handshake is closed with, for those who ask. */
const BROKEN = 1006

/** An open socket of the package `ws` as the mesh takes it. `reset` tears down the connection below it. */
export function peerOf(socket: WebSocket, reset: () => void): PeerSocket {
  // Whatever breaks the protocol closes the socket, which is what is listened to.
  socket.on('error', () => {})
  return {
    protocol: socket.protocol,
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    send(data, sent) {
      if (socket.readyState !== socket.OPEN) return sent?.()
      // On an error the socket closes; who waits for its turn must not wait for ever.
      socket.send(data, { binary: typeof data !== 'string' }, () => sent?.())
    },
    close: (code, reason) => socket.close(code, reason),
    reset,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    listen({ message, closed }) {
      socket.on('message', (data, isBinary) => message(isBinary ? bytesOf(data) : bytesOf(data).toString('utf8')))
      socket.once('close', (code, reason) => closed(code || BROKEN, reason.toString('utf8')))
    },
  }
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
