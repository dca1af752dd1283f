import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import { longestTimerMs, natives } from './natives.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { liveWorld, type ScopedWorld, shared } from './scope.ts'
import { VirtualTimer } from './virtual-timer.ts'

interface WaitOptions {
  signal?: AbortSignal
}

/** Inside a world `virtual`, elsewhere the original; properties of the original stay on the result. */
export function dispatcher(
  original: AnyFunction,
  on: object,
  virtual: (world: ScopedWorld, args: unknown[], original: AnyFunction) => unknown,
): AnyFunction {
  const passOn: AnyFunction = (...args) => Reflect.apply(original, on, args)
  const dispatch: AnyFunction = function (this: unknown, ...args) {
    const world = liveWorld()
    return world ? virtual(world, args, passOn) : Reflect.apply(original, this ?? on, args)
  }
  for (const key of Reflect.ownKeys(original)) {
    if (key === 'prototype') continue
    Object.defineProperty(dispatch, key, { ...Object.getOwnPropertyDescriptor(original, key), configurable: true })
  }
  return dispatch
}

/** Node's rule: what is below 1, above 2^31 - 1 or no number becomes 1; fractions are cut off. */
function nodeDelay(ms: unknown): number {
  const delay = Number(ms)
  return delay >= 1 && delay <= longestTimerMs ? Math.trunc(delay) : 1
}

function callbackOf(value: unknown): AnyFunction {
  if (typeof value === 'function') return value as AnyFunction
  throw Object.assign(new TypeError(`The "callback" argument must be of type function. Received ${typeof value}`), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
}

const virtualTimer =
  (repeat: boolean) =>
  (world: ScopedWorld, [callback, ms, ...args]: unknown[]) => {
    const call = callbackOf(callback)
    return world.setTimer(
      function () {
        Reflect.apply(call, this, args)
      },
      nodeDelay(ms),
      repeat,
    )
  }

/** Real, for its order is Node's own and deterministic; but its errors are the world's, and it ends with the world. */
function worldImmediate(world: ScopedWorld, [callback, ...args]: unknown[]): NodeJS.Immediate {
  const call = callbackOf(callback)
  const handle = natives.setImmediate(() => {
    if (world.over) return
    try {
      call(...args)
    } catch (error) {
      world.fail(error)
    }
  })
  shared.immediates.add(handle)
  return handle
}

const aborted = (signal: AbortSignal) =>
  Object.assign(new Error('The operation was aborted', { cause: signal.reason }), {
    name: 'AbortError',
    code: 'ABORT_ERR',
  })

/** A promise that `start` settles; the abort of the signal calls the undo that `start` returned. */
function abortable(
  { signal }: WaitOptions = {},
  value: unknown,
  start: (done: () => void) => () => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal))
    const abort = () => {
      cancel()
      reject(aborted(signal!))
    }
    const cancel = start(() => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

const virtualWait = (world: ScopedWorld, [ms, value, options]: unknown[]) =>
  abortable(options as WaitOptions, value, (done) => {
    const timer = world.setTimer(done, nodeDelay(ms))
    return () => void timer.close()
  })

const virtualTurn = (world: ScopedWorld, [value, options]: unknown[]) =>
  abortable(options as WaitOptions, value, (done) => {
    const handle = worldImmediate(world, [done])
    return () => natives.clearImmediate(handle)
  })

/** Ticks that the consumer was too slow for are kept and delivered one after the other, as in Node. */
async function* virtualTicks(world: ScopedWorld, [ms, value, options]: unknown[]) {
  const { signal } = (options ?? {}) as WaitOptions
  let due = 0
  let wake = () => {}
  const timer = signal?.aborted
    ? undefined
    : world.setTimer(
        () => {
          due++
          wake()
        },
        nodeDelay(ms),
        true,
      )
  const abort = () => wake()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      if (signal?.aborted) throw aborted(signal)
      if (due === 0) await new Promise<void>((resolve) => (wake = resolve))
      for (; due > 0; due--) yield value
    }
  } finally {
    timer?.close()
    signal?.removeEventListener('abort', abort)
  }
}

/** What `util.promisify` makes of a timer function, likewise inside and outside. */
function withPromise(dispatch: AnyFunction, original: AnyFunction, virtual: typeof virtualWait): AnyFunction {
  const promised: unknown = Reflect.get(original, promisify.custom)
  if (typeof promised !== 'function') return dispatch
  return Object.defineProperty(dispatch, promisify.custom, {
    configurable: true,
    enumerable: true,
    value: dispatcher(promised as AnyFunction, original, virtual),
  })
}

/** The timers on a global object, or on `node:timers`. */
export function patchTimers({ put }: Patches, on: object): void {
  put(on, 'setTimeout', (original, host) =>
    withPromise(dispatcher(original, host, virtualTimer(false)), original, virtualWait),
  )
  put(on, 'setInterval', (original, host) => dispatcher(original, host, virtualTimer(true)))
  for (const key of ['clearTimeout', 'clearInterval']) {
    put(on, key, (original, host) => {
      const clear = dispatcher(original, host, (world, [handle], passOn) => {
        const timer = typeof handle === 'object' ? undefined : world.timerOf(Number(handle))
        return timer ? void timer.close() : passOn(handle)
      })
      // A world's timer is cleared from anywhere.
      return Object.defineProperties((handle?: unknown) => {
        if (VirtualTimer.is(handle)) handle.close()
        else clear(handle)
      }, Object.getOwnPropertyDescriptors(clear))
    })
  }
  put(on, 'setImmediate', (original, host) =>
    withPromise(dispatcher(original, host, worldImmediate), original, virtualTurn),
  )
  put(on, 'clearImmediate', (original, host) => {
    const clear = dispatcher(original, host, (_world, [handle], passOn) => passOn(handle))
    return Object.defineProperties((handle?: unknown) => {
      const isOurs = typeof handle === 'object' && handle !== null && shared.immediates.has(handle)
      if (isOurs) natives.clearImmediate(handle as NodeJS.Immediate)
      else clear(handle)
    }, Object.getOwnPropertyDescriptors(clear))
  })
}

/** `node:timers` and `node:timers/promises`. */
export function patchTimerModules(patches: Patches): void {
  patchTimers(patches, timers)
  const { put } = patches
  put(timersPromises, 'setTimeout', (original, on) => dispatcher(original, on, virtualWait))
  put(timersPromises, 'setInterval', (original, on) => dispatcher(original, on, virtualTicks))
  put(timersPromises, 'setImmediate', (original, on) => dispatcher(original, on, virtualTurn))
  put(timersPromises.scheduler, 'wait', (original, on) =>
    dispatcher(original, on, (world, [ms, options]) => virtualWait(world, [ms, undefined, options])),
  )
}

/** What a realm needs for `AbortSignal.timeout`: jsdom brings classes of its own. */
export interface AbortRealm {
  AbortSignal?: object
  AbortController?: typeof AbortController
  DOMException?: typeof DOMException
}

/** `AbortSignal.timeout` of a realm. */
export function patchAbortSignal({ put }: Patches, realm: AbortRealm): void {
  const { AbortController = globalThis.AbortController, DOMException = globalThis.DOMException } = realm
  put(realm.AbortSignal, 'timeout', (original, on) =>
    dispatcher(original, on, (world, args, passOn) => {
      const [ms] = args
      if (!Number.isInteger(ms) || Number(ms) < 0) return passOn(...args) // which throws
      const controller = new AbortController()
      world.setTimer(
        () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
        nodeDelay(ms),
      )
      return controller.signal
    }),
  )
}
