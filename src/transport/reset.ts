import type { Socket } from 'node:net'

/** As much of a socket's handle as is needed to close what Node has let go of. */
interface Handle {
  close(closed: () => void): void
}

/**
 * RST, after what was written before. Node's `resetAndDestroy` ends the socket first; when the other side hangs up in just that
 * moment, the system refuses to reset what is shutting down, Node forgets the handle without closing it, and the process
 * never ends. Then it is closed here: the other side has gone anyway.
 */
export function reset(socket: Socket): void {
  // A socket that is still connecting has nobody to send it to.
  if (socket.destroyed || socket.connecting) return void socket.destroy()
  const { _handle: handle } = socket as unknown as { readonly _handle?: Handle | null }
  socket.once('error', ({ syscall }: NodeJS.ErrnoException) => {
    if (syscall === 'reset') handle?.close(() => socket.emit('close', true))
  })
  socket.resetAndDestroy()
}
