import type { AnyFunction, Patches } from './patches.ts'
import type { ScopedWorld } from './scope.ts'
import { dispatcher } from './virtual-timers.ts'

const bytesPerDraw = 6

/** Fills `size` bytes; each draw has 53 bits, of which six whole bytes are used. */
function fill(world: ScopedWorld, bytes: Uint8Array): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < view.length; at += bytesPerDraw) {
    const size = Math.min(bytesPerDraw, view.length - at)
    view.writeUIntBE(Math.floor(world.draw('crypto') * 256 ** size), at, size)
  }
}

function uuid(world: ScopedWorld): string {
  const bytes = Buffer.alloc(16)
  fill(world, bytes)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31
const isCallback = (value: unknown): value is AnyFunction => typeof value === 'function'

/** `Math.random` of a realm. */
export function patchMath({ put }: Patches, math: object | undefined): void {
  put(math, 'random', (original, on) => dispatcher(original, on, (world) => world.draw('Math.random')))
}

/** Randomness of `node:crypto` or of a realm's `crypto`. Wrong arguments go to the original, which says what is wrong. */
export function patchCrypto({ put }: Patches, crypto: object | undefined): void {
  put(crypto, 'randomUUID', (original, on) => dispatcher(original, on, uuid))
  put(crypto, 'getRandomValues', (original, on) =>
    dispatcher(original, on, (world, args, passOn) => {
      const [array] = args
      const isInteger =
        ArrayBuffer.isView(array) && !(array instanceof DataView) && !/Float/.test(String(array.constructor.name))
      if (!isInteger || array.byteLength > 65_536) return passOn(...args)
      fill(world, new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
      return array
    }),
  )
  put(crypto, 'randomBytes', (original, on) =>
    dispatcher(original, on, (world, args, passOn) => {
      const [size, callback] = args
      if (!isCount(size) || !(callback === undefined || isCallback(callback))) return passOn(...args)
      const bytes = Buffer.alloc(size)
      fill(world, bytes)
      return callback ? process.nextTick(callback, null, bytes) : bytes
    }),
  )
  put(crypto, 'randomFillSync', (original, on) =>
    dispatcher(original, on, (world, args, passOn) => {
      const [array, offset = 0, size] = args
      if (!ArrayBuffer.isView(array) || !isCount(offset) || !(size === undefined || isCount(size)))
        return passOn(...args)
      const unit = 'BYTES_PER_ELEMENT' in array ? Number(array.BYTES_PER_ELEMENT) : 1
      const length = size === undefined ? array.byteLength - offset * unit : size * unit
      if (length < 0 || offset * unit + length > array.byteLength) return passOn(...args)
      fill(world, new Uint8Array(array.buffer, array.byteOffset + offset * unit, length))
      return array
    }),
  )
  put(crypto, 'randomInt', (original, on) =>
    dispatcher(original, on, (world, args, passOn) => {
      const callback = isCallback(args.at(-1)) ? (args.at(-1) as AnyFunction) : undefined
      const bounds = callback ? args.slice(0, -1) : args
      const [low, high] = bounds.length === 1 ? [0, bounds[0]] : bounds
      if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || Number(high) <= Number(low))
        return passOn(...args)
      const value = Number(low) + Math.floor(world.draw('crypto') * (Number(high) - Number(low)))
      return callback ? process.nextTick(callback, null, value) : value
    }),
  )
}
