import type { AnyFunction, Patches } from './patches.ts'
import { liveWorld, type ScopedWorld } from './scope.ts'
import { dispatcher } from './virtual-timers.ts'

const epochMs = (world: ScopedWorld) => Math.floor(world.startAt + world.elapsedMs)
const nanoseconds = (world: ScopedWorld) => BigInt(Math.round(world.elapsedMs * 1e6))

/** `Date` of a realm: the constructor behind one proxy, so that `new Date() instanceof Date` and `date.constructor === Date` hold. */
export function patchDate({ put }: Patches, realm: { Date?: DateConstructor }): void {
  const found = realm.Date
  if (!found) return
  put(found, 'now', (original, on) => dispatcher(original, on, (world) => epochMs(world)))
  const proxied = (original: AnyFunction) => {
    const real = original as unknown as DateConstructor // put() finds functions, and this one is a Date
    return new Proxy(real, {
      construct(target, args, newTarget) {
        const world = args.length === 0 ? liveWorld() : undefined
        return Reflect.construct(target, world ? [epochMs(world)] : args, newTarget) as object
      },
      apply(target, self, args) {
        const world = liveWorld()
        return world ? new target(epochMs(world)).toString() : Reflect.apply(target, self, args)
      },
    })
  }
  const isItsConstructor = found.prototype.constructor === found
  put(realm, 'Date', proxied)
  if (isItsConstructor) put(found.prototype, 'constructor', () => realm.Date)
}

/** `performance` counts from the beginning of the world, which also is its `timeOrigin`. */
export function patchPerformance({ put, putGetter }: Patches, performance: object | undefined): void {
  put(performance, 'now', (original, on) => dispatcher(original, on, (world) => world.elapsedMs))
  putGetter(performance, 'timeOrigin', (read) => () => liveWorld()?.startAt ?? read())
}

/** `process.hrtime` and `process.hrtime.bigint` count from the beginning of the world. */
export function patchProcess({ put }: Patches, process: object | undefined): void {
  put(process, 'hrtime', (original, on) => {
    const bigint: unknown = Reflect.get(original, 'bigint')
    const hrtime = dispatcher(original, on, (world, [previous]) => {
      const [seconds, rest] = (previous ?? [0, 0]) as [number, number]
      const span = nanoseconds(world) - (BigInt(seconds) * 1_000_000_000n + BigInt(rest))
      const whole = span / 1_000_000_000n
      const left = span % 1_000_000_000n
      return left < 0n ? [Number(whole) - 1, Number(left) + 1e9] : [Number(whole), Number(left)]
    })
    if (typeof bigint !== 'function') return hrtime
    return Object.assign(hrtime, { bigint: dispatcher(bigint as AnyFunction, original, nanoseconds) })
  })
}
