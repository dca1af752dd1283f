import { createHook } from 'node:async_hooks'
import { types } from 'node:util'
import { liveWorld, shared } from './scope.ts'

// One request, one answer: waited for from birth to answer. Never a handle that lives on.
const oneShots: Readonly<Record<string, string>> = {
  FSREQCALLBACK: 'files',
  FSREQPROMISE: 'files',
  FILEHANDLECLOSEREQ: 'files',
  GETADDRINFOREQWRAP: 'name look-up',
  GETNAMEINFOREQWRAP: 'name look-up',
  QUERYWRAP: 'name look-up',
}

/** Handles on which JavaScript starts the work by a method: waited for from each such call to the answer. */
function startedBy(type: string): { method: string; kind: string } | undefined {
  if (type === 'ZLIB') return { method: 'write', kind: 'compression' }
  if (type.endsWith('REQUEST') && !type.startsWith('HTTP')) return { method: 'run', kind: 'cryptography' }
}

const beyondTheClock: Readonly<Record<string, string>> = {
  Timeout: 'a timer inside Node, or of a setTimeout that was taken before the simulation began',
  TCPWRAP: 'a socket',
  PIPEWRAP: 'a socket',
  UDPWRAP: 'a socket',
  PROCESSWRAP: 'a child process',
  WORKER: 'a worker thread',
  MESSAGEPORT: 'a message port',
}

/**
 * Tells each world of the real I/O that its own code begins, so that its clock stands still meanwhile: a file cannot lose
 * against a virtual time-out. Costs every promise in the process a little, hence on only while somebody uses it. Returns
 * the undo.
 */
export function watchRealIo(): () => void {
  const lease = (shared.io ??= { users: 0, thing: startWatch() })
  lease.users++
  return () => {
    if (--lease.users > 0) return
    lease.thing.stop()
    shared.io = undefined
  }
}

function startWatch() {
  const ends = new Map<number, () => void>()
  const hook = createHook({
    init(id, type, _trigger, resource) {
      if (type === 'PROMISE' || type === 'TickObject') return
      const world = liveWorld()
      if (!world) return
      const started = startedBy(type)
      if (type === 'Immediate') world.stir()
      else if (oneShots[type]) ends.set(id, world.begin(oneShots[type]))
      else if (started) onStart(resource, started.method, () => ends.set(id, world.begin(started.kind)))
      else if (beyondTheClock[type]) world.taint(beyondTheClock[type])
    },
    // No `destroy`: it makes Node follow every promise to its garbage collection.
    after: (id) => settle(id),
  }).enable()
  const settle = (id: number) => {
    const end = ends.get(id)
    if (!end) return
    ends.delete(id)
    end()
  }
  return {
    stop() {
      hook.disable()
      ends.clear()
    },
  }
}

/** Calls `begin` whenever the method was called and gave nothing, or a promise: with a result, the work was synchronous. */
function onStart(handle: object, method: string, begin: () => void): void {
  const original: unknown = Reflect.get(handle, method)
  if (typeof original !== 'function') return
  Object.defineProperty(handle, method, {
    configurable: true,
    writable: true,
    value(this: unknown, ...args: unknown[]) {
      const result: unknown = Reflect.apply(original, this, args)
      if (result === undefined || types.isPromise(result)) begin()
      return result
    },
  })
}
