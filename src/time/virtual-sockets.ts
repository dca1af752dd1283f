import { Socket } from 'node:net'
import { longestTimerMs } from './natives.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { liveWorld, shared } from './scope.ts'
import type { VirtualTimer } from './virtual-timer.ts'

/** The parts of a socket that its time-out is made of, of which Node documents only some. */
interface TimedSocket {
  timeout?: number
  destroyed: boolean
  _parent?: TimedSocket | null
  _onTimeout(): void
  once(event: 'close', listener: () => void): unknown
}

/**
 * The idle time-out of sockets, which is what `http.request({ timeout })`, `request.setTimeout` and so the time-outs of
 * most HTTP clients come down to. Node runs it on timers of its own that no global reaches. Set inside a world it is
 * virtual; that socket's activity starts it anew, as ever.
 */
export function patchSockets({ put }: Patches): void {
  const timers = new WeakMap<TimedSocket, VirtualTimer>() // once a socket is in, it stays, with its last timer
  put(Socket.prototype, 'setTimeout', (original) => {
    return function setTimeout(this: TimedSocket, ...args: unknown[]) {
      timers.get(this)?.close()
      const world = liveWorld()
      if (!world) return Reflect.apply(original, this, args)
      // The original checks the arguments and takes the listener; the timer that it starts is stopped again.
      shared.scope.run(undefined, () => Reflect.apply(original, this, args))
      const ms = Number(args[0])
      if (ms === 0) return this
      shared.scope.run(undefined, () => Reflect.apply(original, this, [0]))
      this.timeout = ms
      const timer = world.setTimer(
        () => {
          if (!this.destroyed) this._onTimeout()
        },
        Math.min(ms, longestTimerMs),
      )
      // Sockets are pooled and set anew for each request: one listener each.
      if (!timers.has(this)) this.once('close', () => timers.get(this)?.close())
      timers.set(this, timer)
      return this
    } as AnyFunction // only ever called on a socket
  })
  put(Socket.prototype, '_unrefTimer', (original) => {
    return function _unrefTimer(this: TimedSocket) {
      Reflect.apply(original, this, [])
      for (let socket: TimedSocket | null | undefined = this; socket; socket = socket._parent)
        timers.get(socket)?.refresh()
    } as AnyFunction // only ever called on a socket
  })
}
