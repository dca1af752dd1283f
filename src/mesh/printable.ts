const inspectKey = Symbol.for('nodejs.util.inspect.custom')

/**
 * Gives a handle a short look: `edge orders->payments` as text, and these facts as JSON, in a test runner's diff and in the
 * console. Without it, each of them would print the whole mesh that hangs on the handle.
 */
export function printable<T extends { readonly name: string }>(handle: T, kind: string, facts: () => object): T {
  const value = (get: (...args: never[]) => unknown) => ({ value: get, configurable: true })
  const title = () => `${kind} ${handle.name}`
  return Object.defineProperties(handle, {
    toString: value(title),
    toJSON: value(() => ({ kind, name: handle.name, ...facts() })),
    [inspectKey]: value(
      (_depth: number, options: object, inspect?: (shown: object, options: object) => string) =>
        `${title()} ${inspect?.(facts(), options) ?? JSON.stringify(facts())}`,
    ),
  })
}
