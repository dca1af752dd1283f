import { MeshError, type MeshErrorCode } from '../errors.ts'
import { describeValue, didYouMean } from '../nearest.ts'

/** Where a value stands: `key` in the thing at `owner`. With an empty key, the thing at `owner` itself. */
export interface Place {
  readonly owner: string
  readonly key: string
}

/** Looks at one value and throws a {@link MeshError} that names its place, or returns. */
export type Check = (value: unknown, place: Place) => void

/** `services.orders`, or `services["my.orders"]` where a dot would mislead. */
export function pathOf({ owner, key }: Place): string {
  if (owner === '' || key === '') return owner + key
  return /^[\w$-]+(\[\d+\])*$/.test(key) ? `${owner}.${key}` : `${owner}[${JSON.stringify(key)}]`
}

/** The error for a value that is not what was expected. */
export function unexpected(
  { owner, key }: Place,
  expected: string,
  value: unknown,
  { fix, code = 'MESH_INVALID_OPTION' }: { fix?: string | undefined; code?: MeshErrorCode } = {},
): MeshError {
  const subject = key === '' ? `expected ${expected}` : `expected \`${key}\` to be ${expected}`
  return new MeshError(code, `${owner === '' ? '' : `${owner}: `}${subject}, got ${describeValue(value)}`, { fix })
}

/**
 * Whether a value is a plain object: `{...}`, of any realm, hence no comparison with this realm's `Object.prototype`
 * (a definition may come out of a test runner's sandbox).
 */
export function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Whether a value is bytes: a Uint8Array or Buffer of any realm. */
export const isBytes = (value: unknown): value is Uint8Array =>
  ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'

export interface Range {
  above?: number
  atLeast?: number
  below?: number
  atMost?: number
}

function rangeText(noun: string, { above, atLeast, below, atMost }: Range): string {
  if (atLeast !== undefined && atMost !== undefined) return `${noun} from ${atLeast} to ${atMost}`
  const limits = [
    above !== undefined && `> ${above}`,
    atLeast !== undefined && `>= ${atLeast}`,
    below !== undefined && `< ${below}`,
    atMost !== undefined && `<= ${atMost}`,
  ].filter((limit) => limit !== false)
  return limits.length === 0 ? noun : `${noun} ${limits.join(' and ')}`
}

function numeric(noun: string, range: Range, accepts: (value: number) => boolean): Check {
  const { above = -Infinity, atLeast = -Infinity, below = Infinity, atMost = Infinity } = range
  const fits = (value: unknown) =>
    typeof value === 'number' && accepts(value) && value > above && value >= atLeast && value < below && value <= atMost
  return (value, place) => {
    if (fits(value)) return
    const unquoted = typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN
    const fix = fits(unquoted) ? `Write it without quotes: ${unquoted}.` : undefined
    throw unexpected(place, rangeText(noun, range), value, { fix })
  }
}

export const number = (range: Range = {}): Check => numeric('a number', range, Number.isFinite)
export const integer = (range: Range = {}): Check => numeric('an integer', range, Number.isInteger)

export const boolean: Check = (value, place) => {
  if (typeof value !== 'boolean') throw unexpected(place, 'true or false', value)
}

export const text: Check = (value, place) => {
  if (typeof value !== 'string') throw unexpected(place, 'a string', value)
}

export function oneOf(...allowed: readonly string[]): Check {
  const list = allowed.map((word) => `"${word}"`).join(allowed.length === 2 ? ' or ' : ', ')
  return (value, place) => {
    if (typeof value === 'string' && allowed.includes(value)) return
    const fix = typeof value === 'string' ? didYouMean(value, allowed).trim() || undefined : undefined
    throw unexpected(place, allowed.length === 2 ? list : `one of ${list}`, value, { fix })
  }
}

/** A list of any length, each element checked. */
export const listOf =
  (element: Check, noun: string): Check =>
  (value, place) => {
    if (!Array.isArray(value)) throw unexpected(place, `an array of ${noun}`, value)
    value.forEach((each, index) => element(each, { owner: place.owner, key: `${place.key}[${index}]` }))
  }

/** A plain object with free keys, each value checked. */
export const recordOf =
  (element: Check, noun: string): Check =>
  (value, place) => {
    if (!isPlainObject(value)) throw unexpected(place, `a plain object of ${noun}`, value)
    for (const [key, each] of Object.entries(value)) element(each, { owner: pathOf(place), key })
  }

/** Throws for the first key of `value` that is not an option, with the nearest one that is. */
export function refuseUnknown(value: object, known: readonly string[], place: Place, fix?: string): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    const what = `${pathOf(place) || 'options'}: unknown option \`${key}\`.${didYouMean(key, known)}`
    throw new MeshError('MESH_INVALID_OPTION', what, { details: [`Options: ${[...known].sort().join(', ')}`], fix })
  }
}

/**
 * A plain object with these options and no others. An option that is `undefined` is not given; those in `required` must
 * be. `fix` says what to write when the value is no object at all.
 */
export function options(
  checks: { readonly [option: string]: Check },
  { required = [], fix }: { required?: readonly string[]; fix?: string } = {},
): Check {
  const known = Object.keys(checks)
  return (value, place) => {
    if (!isPlainObject(value)) throw unexpected(place, 'a plain object', value, { fix })
    refuseUnknown(value, known, place)
    for (const key of known)
      if (value[key] !== undefined || required.includes(key)) checks[key]!(value[key], { owner: pathOf(place), key })
  }
}

/** One of several plain objects, told apart by `kind`. All options but `optional` ones are required. */
export function kinds(
  variants: { readonly [kind: string]: { readonly [option: string]: Check } },
  { optional = [], fix }: { optional?: readonly string[]; fix?: string } = {},
): Check {
  const kind = oneOf(...Object.keys(variants))
  const checks = new Map(
    Object.entries(variants).map(([name, variant]) => [
      name,
      options({ kind, ...variant }, { required: Object.keys(variant).filter((option) => !optional.includes(option)) }),
    ]),
  )
  return (value, place) => {
    if (!isPlainObject(value)) throw unexpected(place, 'a plain object with a `kind`', value, { fix })
    kind(value['kind'], { owner: pathOf(place), key: 'kind' })
    checks.get(value['kind'] as string)!(value, place)
  }
}
