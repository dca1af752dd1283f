import type { Door } from '../../call/door.ts'
import { turn } from '../../time/natives.ts'
import { turns } from '../../time/turns.ts'
import { installHooks } from './hooks.ts'
import { Hub } from './hub.ts'
import { OpenDoors } from './open-doors.ts'
import type { InProcessOptions } from './open-doors.ts'
import { Tickets } from './tickets.ts'

export type { InProcessOptions, World } from './open-doors.ts'

/** Turns of the event loop within which a client that was asked for a request has surely asked for a connection. */
const TURNS_TO_CONNECT = 4

interface Interception {
  open(door: Door, options: InProcessOptions): { close(): Promise<void> }
}

// Two copies of this package (ESM and CommonJS) may be loaded side by side: the one that opens first does the work for
// both, so that the process is patched once. Nothing stays here when the last mesh has closed.
const key = Symbol.for('meshwright/in-process')
const shared = globalThis as { [key]?: Interception }

/**
 * Answers the requests that code of this process makes to the hosts of a mesh, whatever client it uses: `fetch`,
 * `http.request`, `https.request`, undici, axios, got. Connections to those hosts end in memory, at the mesh; connections
 * to other hosts are left alone. HTTPS needs no certificates: the mesh's hosts count as trusted.
 *
 * A request belongs to the mesh and service of the running scope; outside any scope to the mesh opened last that has the
 * host, as its `defaultCaller`. Requests that undici's `Pool` queues because of its `connections` limit are made in the
 * context of whatever ended before them: use no such limit where several meshes run at once.
 *
 * While requests are under way they keep the process alive. WebSockets are answered, too. Not answered: HTTP/2, hosts behind a proxy, and
 * sockets made with `new net.Socket().connect()`.
 *
 * `close` takes the mesh out, ends its connections and, after the last mesh, restores what was patched. It is idempotent.
 */
export function openInProcess(door: Door, options: InProcessOptions = {}): { close(): Promise<void> } {
  return (shared[key] ??= intercept(() => delete shared[key])).open(door, options)
}

function intercept(ended: () => void): Interception {
  const doors = new OpenDoors()
  const tickets = new Tickets()
  const hub = new Hub(doors, tickets)
  const uninstall = installHooks(doors, hub, tickets)
  return {
    open(door, { worldOf = () => undefined }) {
      const remove = doors.add(door, worldOf)
      let isOpen = true
      return {
        async close() {
          if (!isOpen) return
          isOpen = false
          // A request made just before has yet to connect: here it is refused, later it would reach for the network.
          if (door.stopped) await turns(TURNS_TO_CONNECT)
          remove()
          hub.leave(door)
          if (doors.size === 0) {
            uninstall()
            hub.close()
            ended()
          }
          // By then the clients know that their connections are gone.
          await turn()
        },
      }
    },
  }
}
