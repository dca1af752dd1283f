import { MeshError } from '../src/errors.ts'
import { describeValue, didYouMean } from '../src/nearest.ts'

/** What one value of an expectation must be. */
export interface Rule {
  readonly text: string
  readonly holds: (value: unknown) => boolean
}

export const integer = (least: number): Rule => ({
  text: `an integer >= ${least}`,
  holds: (value) => Number.isInteger(value) && (value as number) >= least,
})

export const milliseconds: Rule = {
  text: 'a number of milliseconds >= 0',
  holds: (value) => typeof value === 'number' && value >= 0,
}

export const oneOf = (...values: readonly string[]): Rule => ({
  text: values
    .map((value) => `'${value}'`)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1'),
  holds: (value) => values.includes(value as string),
})

export const names: Rule = {
  text: 'a name or a list of names',
  holds: (value) =>
    typeof value === 'string' ||
    (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')),
}

export const nameList: Rule = {
  text: 'a list of names',
  holds: (value) => Array.isArray(value) && names.holds(value),
}

export const text: Rule = { text: 'a string', holds: (value) => typeof value === 'string' && value.length > 0 }

export const subsetOrPredicate: Rule = {
  text: 'a part of the JSON body or a function of the request',
  holds: (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
}

/**
 * Refuses an expectation that says something other than what its author means: an assertion over a misspelt option passes.
 *
 * @throws MeshError `MESH_INVALID_OPTION`
 */
export function check(matcher: string, expected: unknown, rules: Readonly<Record<string, Rule>>, required = ''): void {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected))
    throw new MeshError('MESH_INVALID_OPTION', `${matcher}: expected an object, got ${describeValue(expected)}`)
  const known = Object.keys(rules)
  for (const [key, value] of Object.entries(expected)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
    if (!rule)
      throw new MeshError('MESH_INVALID_OPTION', `${matcher}: no option \`${key}\`.${didYouMean(key, known)}`, {
        details: [`Options: ${known.join(', ')}`],
        ...(key === 'withinMs' && {
          fix: 'How long a toEventually... matcher waits is an argument of its own, the last one: (..., { withinMs }).',
        }),
      })
    if (value !== undefined) checkValue(matcher, `\`${key}\``, value, rule)
  }
  if (required && (expected as Record<string, unknown>)[required] === undefined)
    checkValue(matcher, `\`${required}\``, undefined, rules[required]!)
}

/** As {@link check}, for one value; `what` names it. */
export function checkValue(matcher: string, what: string, value: unknown, rule: Rule): void {
  if (!rule.holds(value))
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `${matcher}: expected ${what} to be ${rule.text}, got ${describeValue(value)}`,
    )
}
