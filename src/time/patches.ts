import { shared } from './scope.ts'

/** A function with anything for parameters; what is put on the globals has the types of what it replaces. */
export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown

export interface Patches {
  /** Replaces `on[key]`, when it is there, by what `make` returns for it. The same original gets the same replacement. */
  put(on: object | undefined, key: string, make: (original: AnyFunction, on: object) => unknown): void
  /** As `put`, for a value that is read through a getter. */
  putGetter(on: object | undefined, key: string, make: (read: () => unknown) => () => unknown): void
  /** Restores the descriptors in reverse order. Returns the names that somebody else has replaced meanwhile: left alone. */
  undo(): string[]
}

export function createPatches(): Patches {
  const done: { on: object; key: string; was: PropertyDescriptor | undefined; now: PropertyDescriptor }[] = []
  const made = new Map<string, Map<unknown, unknown>>()

  const replace = (on: object, key: string, part: PropertyDescriptor) => {
    const was = Object.getOwnPropertyDescriptor(on, key)
    if (was?.configurable === false || (!was && !Object.isExtensible(on))) return
    const writable = 'value' in part ? { writable: true } : {}
    const now = { configurable: true, enumerable: was?.enumerable ?? true, ...writable, ...part }
    Object.defineProperty(on, key, now)
    done.push({ on, key, was: was && withoutOurs(was), now })
  }

  return {
    put(on, key, make) {
      const original = on && originalOf(Reflect.get(on, key))
      if (!on || typeof original !== 'function') return
      const known = made.get(key) ?? new Map<unknown, unknown>()
      made.set(key, known)
      const value = known.get(original) ?? make(original as AnyFunction, on)
      known.set(original, value)
      shared.originals.set(value as object, original)
      replace(on, key, { value })
    },
    putGetter(on, key, make) {
      if (!on || Reflect.get(on, key) === undefined) return
      const own = Object.getOwnPropertyDescriptor(on, key)
      const home = own ? undefined : Object.getPrototypeOf(on)
      const get = make(() =>
        own ? (own.get ? Reflect.apply(own.get, on, []) : own.value) : Reflect.get(home, key, on),
      )
      replace(on, key, { get, set: undefined })
    },
    undo() {
      const foreign = new Set<string>()
      for (const { on, key, was, now } of done.splice(0).reverse()) {
        const found = Object.getOwnPropertyDescriptor(on, key)
        const isOurs = found && (found.get ? found.get === now.get : isDispatcher(found.value))
        if (!isOurs) foreign.add(key)
        else if (was) Object.defineProperty(on, key, was)
        else Reflect.deleteProperty(on, key)
      }
      made.clear()
      return [...foreign]
    },
  }
}

const isDispatcher = (value: unknown) =>
  (typeof value === 'function' || (typeof value === 'object' && value !== null)) && shared.originals.has(value)

/**
 * Fake timers that came after us take our dispatcher for the original, and put it back when we are long gone. It then does
 * no harm, for outside a world it passes everything on; the next installation sees through it.
 */
function originalOf(value: unknown): unknown {
  let original = value
  while (isDispatcher(original)) original = shared.originals.get(original as object)
  return original
}

const withoutOurs = (was: PropertyDescriptor) => ('value' in was ? { ...was, value: originalOf(was.value) } : was)
