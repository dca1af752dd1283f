import { MeshError } from '../errors.ts'
import { describeValue, didYouMean } from '../nearest.ts'

type Range = readonly [min: number, max: number]

const invalid = (kind: string, name: string, expected: string, got: unknown) =>
  new MeshError(
    'MESH_INVALID_OPTION',
    `chaos.${kind}: expected \`${name}\` to be ${expected}, got ${describeValue(got)}`,
  )

const rangeText = ([min, max]: Range) => (max === Infinity ? `a number >= ${min}` : `a number from ${min} to ${max}`)

const inRange = (value: unknown, [min, max]: Range) =>
  typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max

/** The call as it may have been meant: a bare number is a status of `abort`, else the first number needed, else a duration. */
function exampleOf(kind: string, required: readonly string[], given: unknown): string {
  const value = typeof given === 'number' ? given : 1000
  const names = required.length > 0 ? required : [kind === 'abort' ? 'status' : 'forMs']
  return `chaos.${kind}(target, { ${names.map((name) => `${name}: ${name === 'status' && typeof given !== 'number' ? 503 : value}`).join(', ')} })`
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
      `chaos.${kind}: expected an object of options, got ${describeValue(options)}`,
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
  reset: ['at'],
  flap: ['upMs', 'downMs'],
  partition: ['direction'],
}
const words: Record<string, readonly unknown[]> = { leg: ['request', 'reply'], at: ['before-headers', 'mid-body'] }

/** Checks what every fault takes, and refuses names that this kind does not know. */
export function validateFaultOptions(kind: string, options: unknown): void {
  validateNumbers(kind, options, {}, { percent: [0, 100], afterMs: [0, Infinity], forMs: [0, Infinity] })
  const known = [...common, ...(own[kind] ?? [])]
  const given = options as Record<string, unknown>
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw new MeshError(
        'MESH_INVALID_OPTION',
        `chaos.${kind}: unknown option \`${name}\`.${didYouMean(name, known)}`,
        {
          details: [`Options: ${known.join(', ')}`],
        },
      )
    const allowed = words[name]
    if (allowed && given[name] !== undefined && !allowed.includes(given[name]))
      throw invalid(kind, name, allowed.map((word) => `"${word}"`).join(' or '), given[name])
  }
  const { times, when } = given
  if (times !== undefined && !(Number.isInteger(times) && (times as number) >= 1))
    throw invalid(kind, 'times', 'an integer >= 1', times)
  if (when !== undefined && typeof when !== 'function') throw invalid(kind, 'when', 'a function of the call', when)
}
