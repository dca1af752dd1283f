type Neighbours = (node: number) => readonly number[]

/** The node and all that can be reached from it. */
export function reachable(
  next: Neighbours,
  start: number,
  allowed: (node: number) => boolean = () => true,
): Set<number> {
  const found = new Set([start])
  // A Set visits what is added while it is being walked.
  for (const node of found) for (const other of next(node)) if (allowed(other)) found.add(other)
  return found
}

/**
 * All walks from `start` to `end` (which may be the same node) that pass no node twice, inside of `within`.
 *
 * A node is entered only if `end` can still be reached from it without crossing the walk so far, so that each branch of
 * the search yields a result, and the time between two results is polynomial.
 */
export function* simpleWalks(
  successors: Neighbours,
  predecessors: Neighbours,
  start: number,
  end: number,
  within?: ReadonlySet<number>,
): Generator<number[]> {
  const walk = [start]
  const onWalk = new Set(walk)
  const open = (node: number) => (node === end || !onWalk.has(node)) && (within?.has(node) ?? true)
  const choices = () => {
    const goodToEnd = reachable(predecessors, end, (node) => open(node) && node !== end)
    return successors(walk.at(-1)!)
      .filter((node) => open(node) && goodToEnd.has(node))
      .reverse()
  }
  // An explicit stack: a chain of thousands of services must not exhaust the call stack.
  const pending = [choices()]
  while (pending.length > 0) {
    const node = pending.at(-1)!.pop()
    if (node === undefined) {
      pending.pop()
      onWalk.delete(walk.pop()!)
    } else if (node === end) {
      yield [...walk, end]
    } else {
      walk.push(node)
      onWalk.add(node)
      pending.push(choices())
    }
  }
}
