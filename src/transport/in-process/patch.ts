/**
 * Replaces a method until the undo is called. The undo puts back the very property that was there; where someone has
 * replaced ours in the meantime it leaves theirs alone, and ours goes on as a mere pass-through.
 */
export function patch<F extends (...args: never[]) => unknown>(
  on: object,
  key: string,
  replace: (original: F, isActive: () => boolean) => F,
): () => void {
  const was = Object.getOwnPropertyDescriptor(on, key)
  if (typeof was?.value !== 'function') return () => {}
  const original = was.value as F
  let isActive = true
  const replacement = replace(original, () => isActive)
  for (const name of ['name', 'length']) {
    const own = Object.getOwnPropertyDescriptor(original, name)
    if (own) Object.defineProperty(replacement, name, own)
  }
  Object.defineProperty(on, key, { ...was, value: replacement })
  return () => {
    isActive = false
    if (Object.getOwnPropertyDescriptor(on, key)?.value === replacement) Object.defineProperty(on, key, was)
  }
}
