import { isBytes, isPlainObject } from './checks.ts'
import type { ServiceOptions } from './options.ts'

/**
 * A frozen copy of plain data, all the way down. Options that are `undefined` are left out. What is not plain (a Date in
 * a JSON body) is kept as it is; bytes are copied, but cannot be frozen.
 */
export function frozenCopy<T>(value: T): T {
  // Each branch gives back the kind of thing it was given, which the compiler cannot follow through T.
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as T
  if (isBytes(value)) return value.slice() as T
  if (!isPlainObject(value)) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.freeze(Object.fromEntries(entries.map(([key, each]) => [key, frozenCopy(each)]))) as T
}

/** As {@link frozenCopy}, with the MSW handlers themselves left alone: they keep state of their own. */
export function frozenService({ handlers, ...rest }: ServiceOptions): ServiceOptions {
  return frozenCopy({ ...rest, ...(handlers && { handlers }) })
}
