import { MeshError } from '../errors.ts'
import { describeValue, didYouMean } from '../nearest.ts'

type Range = readonly [min: number, max: number, kind?: 'integer' | 'or endless']

/** The method that injects a kind of fault: `lose-reply` is injected by `loseReply`. */
const methodOf = (kind: string) => kind.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase())

const invalid = (kind: string, name: string, expected: string, got: unknown) =>
  new MeshError(
    'MESH_INVALID_OPTION',
    `chaos.${methodOf(kind)}: expected \`${name}\` to be ${expected}, got ${describeValue(got)}`,
  )

const rangeText = ([min, max, kind]: Range) => {
  const what = kind === 'integer' ? 'an integer' : 'a number'
  return max === Infinity ? `${what} >= ${min}` : `${what} from ${min} to ${max}`
}

const inRange = (value: unknown, [min, max, kind]: Range) =>
  typeof value === 'number' &&
  (Number.isFinite(value) || (kind === 'or endless' && value === Infinity)) &&
  (kind !== 'integer' || Number.isInteger(value)) &&
  value >= min &&
  value <= max

/** The call as it may have been meant: a bare number is a status of `abort`, else the first number needed, else a duration. */
function exampleOf(kind: string, required: readonly string[], given: unknown): string {
  const value = typeof given === 'number' ? given : 1000
  const names = required.length > 0 ? required : [kind === 'abort' ? 'status' : 'forMs']
  return `chaos.${methodOf(kind)}(target, { ${names.map((name) => `${name}: ${name === 'status' && typeof given !== 'number' ? 503 : value}`).join(', ')} })`
}

/** Checks the numbers that one kind of fault takes. */
export function validateNumbers(
  kind: string,
  options: unknown,
  required: Record<string, Range>,
  optional: Record<string, Range>,
): void {
  if (typeof options !== 'object' || options === null)
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `chaos.${methodOf(kind)}: expected an object of options, got ${describeValue(options)}`,
      { fix: `Write ${exampleOf(kind, Object.keys(required), options)}.` },
    )
  const given = options as Record<string, unknown>
  for (const [name, range] of Object.entries(required))
    if (!inRange(given[name], range)) throw invalid(kind, name, rangeText(range), given[name])
  for (const [name, range] of Object.entries(optional))
    if (given[name] !== undefined && !inRange(given[name], range))
      throw invalid(kind, name, rangeText(range), given[name])
}

const common = ['percent', 'times', 'afterMs', 'forMs', 'when']
const own: Record<string, readonly string[]> = {
  latency: ['ms', 'jitterMs', 'leg'],
  abort: ['status', 'json', 'text', 'headers'],
  reset: ['at', 'afterBytes'],
  close: ['at'],
  truncate: ['afterBytes'],
  garbage: ['bytes'],
  'slow-headers': ['ms'],
  bandwidth: ['kilobytesPerSecond'],
  'slow-body': ['chunkBytes', 'everyMs'],
  stall: ['afterBytes', 'stallMs'],
  'packet-loss': ['losses'],
  flap: ['upMs', 'downMs'],
  partition: ['direction'],
  slice: ['bytes', 'delayMs', 'leg'],
  limit: ['bytes', 'leg'],
  'slow-close': ['ms'],
}
/** Options that are one of a few words, by name; of some kinds by kind and name. */
const words: Record<string, readonly unknown[]> = {
  leg: ['request', 'reply'],
  direction: ['both', 'to', 'from'],
  'reset.at': ['before-headers', 'after-headers', 'mid-body'],
  'close.at': ['before-headers', 'after-headers'],
}

type Ranges = Record<string, Range>

const duration: Range = [0, Infinity]
const bytes: Range = [0, Infinity, 'integer']

/** The numbers that a kind of fault takes. */
const numbers: Record<string, { readonly required?: Ranges; readonly optional?: Ranges }> = {
  latency: { required: { ms: duration }, optional: { jitterMs: duration } },
  abort: { optional: { status: [200, 599] } },
  reset: { optional: { afterBytes: bytes } },
  truncate: { optional: { afterBytes: bytes } },
  'slow-headers': { required: { ms: duration } },
  // A byte in a second is slow enough for a test; 0 is what `hang` and `stall` are for.
  bandwidth: { required: { kilobytesPerSecond: [0.001, Infinity] } },
  'slow-body': { required: { chunkBytes: [1, Infinity, 'integer'], everyMs: duration } },
  stall: { optional: { afterBytes: bytes, stallMs: [0, Infinity, 'or endless'] } },
  'packet-loss': { required: { percent: [0, 100] }, optional: { losses: [1, 16, 'integer'] } },
  flap: { required: { upMs: duration, downMs: [1, Infinity] } },
}

/** Checks all options of one kind of fault; it may be injected without any where none is needed. */
export function validateFault(kind: string, options: unknown): void {
  const { required = {}, optional = {} } = numbers[kind] ?? {}
  if (options === undefined && Object.keys(required).length === 0) return
  validateNumbers(kind, options, required, optional)
  validateFaultOptions(kind, options)
  const { at, afterBytes, bytes: sent } = options as Record<string, unknown>
  if (kind === 'reset' && afterBytes !== undefined && at !== undefined && at !== 'mid-body')
    throw invalid(kind, 'at', '"mid-body" or left out, for `afterBytes` counts bytes of the body', at)
  if (kind === 'garbage' && sent !== undefined && !isBytes(sent))
    throw invalid(kind, 'bytes', 'a string or a Uint8Array that is not empty', sent)
}

const isBytes = (value: unknown) =>
  typeof value === 'string' ? value.length > 0 : ArrayBuffer.isView(value) && value.byteLength > 0

/** Checks what every fault takes, and refuses names that this kind does not know. */
export function validateFaultOptions(kind: string, options: unknown): void {
  validateNumbers(kind, options, {}, { percent: [0, 100], afterMs: [0, Infinity], forMs: [0, Infinity] })
  const known = [...common, ...(own[kind] ?? [])]
  const given = options as Record<string, unknown>
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `chaos.${methodOf(kind)}: unknown option \`${name}\`.${didYouMean(name, known)}`,
        {
          details: [`Options: ${known.join(', ')}`],
        },
      )
    const allowed = words[name] ?? words[`${kind}.${name}`]
    if (allowed && given[name] !== undefined && !allowed.includes(given[name]))
      throw invalid(kind, name, oneOf(allowed), given[name])
  }
  const { times, when } = given
  if (times !== undefined && !(Number.isInteger(times) && (times as number) >= 1))
    throw invalid(kind, 'times', 'an integer >= 1', times)
  if (when !== undefined && typeof when !== 'function') throw invalid(kind, 'when', 'a function of the call', when)
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"` */
const oneOf = (allowed: readonly unknown[]): string =>
  allowed
    .map((word) => `"${String(word)}"`)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1')
