/**
 * Whether `actual` has everything that `partial` asks for: objects may have more keys, lists must have the same length, leaves
 * are equal. A runner's asymmetric matcher (`expect.any(Number)`) may stand anywhere.
 */
export function containsSubset(actual: unknown, partial: unknown): boolean {
  if (isAsymmetric(partial)) return partial.asymmetricMatch(actual)
  if (Array.isArray(partial))
    return (
      Array.isArray(actual) &&
      actual.length === partial.length &&
      partial.every((item, i) => containsSubset(actual[i], item))
    )
  if (isRecord(partial))
    return isRecord(actual) && Object.keys(partial).every((key) => containsSubset(actual[key], partial[key]))
  return Object.is(actual, partial)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isAsymmetric = (value: unknown): value is { asymmetricMatch(other: unknown): boolean } =>
  isRecord(value) && typeof value.asymmetricMatch === 'function'
