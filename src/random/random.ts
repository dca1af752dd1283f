/**
 * Chance that is keyed, not streamed: a draw depends on (seed, purpose, key, nth) and on nothing else, so the order in
 * which concurrent calls arrive cannot change a decision.
 */
export interface Random {
  readonly seed: string
  /** A number in [0, 1) for the nth draw with this purpose and key. The same arguments give the same number, always. */
  draw(purpose: string, key: string, nth: number): number
  /** As `draw`, but counts `nth` itself, per purpose and key: 0 on the first call. */
  next(purpose: string, key: string): number
  /** A standard normal deviate (mean 0, deviation 1), by the Box-Muller transform over two keyed draws. */
  normal(purpose: string, key: string, nth: number): number
  /** Whether anything was drawn yet: messages name the seed only if chance took part. */
  readonly used: boolean
}

const encoder = new TextEncoder()

/** MurmurHash3 x64-like mixing over two 32-bit lanes; 53 bits of it become the number. */
function hash53(text: string): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i)
    // The same numbers as over the bytes in UTF-8, which are the characters themselves as long as all are ASCII.
    if (byte > 127) return hash53Of(encoder.encode(text))
    a = Math.imul(a ^ byte, 2654435761)
    b = Math.imul(b ^ byte, 1597334677)
  }
  return mixed(a, b)
}

function hash53Of(bytes: Uint8Array): number {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 2654435761)
    b = Math.imul(b ^ byte, 1597334677)
  }
  return mixed(a, b)
}

function mixed(a: number, b: number): number {
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

export function createRandom(seed: string | number): Random {
  const counts = new Map<string, number>()
  let used = false
  const draw = (purpose: string, key: string, nth: number) => {
    used = true
    return hash53(`${seed}\u0000${purpose}\u0000${key}\u0000${nth}`) / 2 ** 53
  }
  return {
    seed: String(seed),
    draw,
    next(purpose, key) {
      const name = `${purpose}\u0000${key}`
      const nth = counts.get(name) ?? 0
      counts.set(name, nth + 1)
      return draw(purpose, key, nth)
    },
    normal(purpose, key, nth) {
      const radius = Math.sqrt(-2 * Math.log(1 - draw(`${purpose}/radius`, key, nth)))
      return radius * Math.cos(2 * Math.PI * draw(`${purpose}/angle`, key, nth))
    },
    get used() {
      return used
    },
  }
}
