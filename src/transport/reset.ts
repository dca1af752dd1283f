import type { Socket } from 'node:net'

/**
 * RST, at once: what has not been sent yet is lost.
 *
 * Node's `resetAndDestroy` ends a socket before it resets it. When the other side hangs up in just that moment, the system
 * refuses to reset what is shutting down, Node forgets the handle without closing it, and the process never ends. So the flag that
 * `resetAndDestroy` sets is set here without that end; a socket whose FIN is under way anyway is closed as it is.
 */
export function reset(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished
  // A socket that is still connecting has nobody to send an RST to.
  if (socket.destroyed || socket.connecting || isEnding) return void socket.destroy()
  if (!('resetAndClosing' in socket)) return void socket.resetAndDestroy()
  socket.resetAndClosing = true
  socket.destroy()
}
