import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { createPatches, type Patches } from './patches.ts'
import { shared } from './scope.ts'
import { patchCrypto, patchMath } from './virtual-chance.ts'
import { patchDate, patchPerformance, patchProcess } from './virtual-clocks.ts'
import { patchSockets } from './virtual-sockets.ts'
import { type AbortRealm, patchAbortSignal, patchTimerModules, patchTimers } from './virtual-timers.ts'

/** What is looked for on a global object; each may be missing. */
interface Realm extends AbortRealm {
  Error?: object
  Date?: DateConstructor
  Math?: object
  performance?: object
  process?: object
  crypto?: object
}

/**
 * Puts dispatchers on the sources of time and chance of this realm, of Node's modules and of the other realms named (a
 * Jest sandbox's global): inside a world they answer from the world, elsewhere they pass on to what was there before, be it
 * native or someone's fake. Nested and concurrent installations share one; a realm that comes later joins it.
 *
 * Returns the undo. The last one restores every original property descriptor, and returns the names that somebody else
 * has replaced meanwhile: those are left alone.
 */
export function installVirtualTime(...realms: object[]): () => string[] {
  const lease = (shared.globals ??= { users: 0, thing: install() })
  lease.users++
  for (const realm of [globalThis, ...realms]) lease.thing.add(realm)
  syncBuiltinESMExports()
  let isUndone = false
  return () => {
    if (isUndone) return []
    isUndone = true
    if (--lease.users > 0) return []
    shared.globals = undefined
    const foreign = lease.thing.undo()
    syncBuiltinESMExports()
    return foreign
  }
}

function install() {
  const patches = createPatches()
  // Realms share objects: Jest's sandbox has a process of its own, but the performance and the crypto of its parent.
  const seen = new Set<object>()
  const once = (thing: object | undefined, patch: (thing: object) => void) => {
    if (!thing || seen.has(thing)) return
    seen.add(thing)
    patch(thing)
  }
  patchTimerModules(patches)
  patchSockets(patches)
  once(nodeCrypto, (crypto) => patchCrypto(patches, crypto))
  once(process, (it) => patchProcess(patches, it))
  return {
    add(realm: Realm): void {
      once(realm, () => {
        patchTimers(patches, realm)
        patchDate(patches, realm)
        once(realm.AbortSignal, () => patchAbortSignal(patches, realm))
        once(realm.performance, (performance) => patchPerformance(patches, performance))
        once(realm.process, (it) => patchProcess(patches, it))
        once(realm.Error, (error) => patchStackTraces(patches, error))
        once(realm.Math, (math) => patchMath(patches, math))
        once(realm.crypto, (crypto) => patchCrypto(patches, crypto))
      })
    },
    undo: () => patches.undo(),
  }
}

/**
 * Test runners make stack traces point to the sources with code that draws random numbers and reads clocks, the first time
 * that a file comes up: whether an error's stack was looked at before must not change what the scenario draws.
 */
function patchStackTraces({ put }: Patches, error: object): void {
  put(
    error,
    'prepareStackTrace',
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        return shared.scope.run(undefined, () => Reflect.apply(original, this, args))
      },
  )
}
