/**
 * Comparisons that hold on a busy machine. All candidates take turns within a round, in a new order each round, and what is
 * compared is the ratio within a round: a machine that is slow for a while is slow for all of them. Where everything
 * happens in one process, what is measured is its CPU time, which does not grow while other programs have the processor.
 */

export const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The same order on every run: a linear congruential generator (Numerical Recipes' constants). */
export function shuffled(items, seed) {
  const order = [...items]
  let state = seed
  for (let i = order.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const j = state % (i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/**
 * @typedef {{ name: string, sample: () => number | Promise<number> }} Candidate `sample` gives its own figure: milliseconds
 *   for one unit of work, whatever that is.
 * @param {readonly Candidate[]} candidates
 * @returns what each candidate took, by name, in the order of the rounds; the first round only warms up
 */
export async function interleaved(candidates, rounds) {
  const times = new Map(candidates.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++)
    for (const { name, sample } of shuffled(candidates, round)) {
      const time = await sample()
      if (round > 0) times.get(name).push(time)
    }
  return {
    /** Median milliseconds. */
    ms: (name) => median(times.get(name)),
    /** Median of the ratios of each round. */
    ratio: (name, to) => median(times.get(name).map((time, round) => time / times.get(to)[round])),
  }
}

/** CPU milliseconds of this process from now on, its helper threads (garbage collection) included. */
export function cpuTime() {
  const begun = process.cpuUsage()
  return () => {
    const { user, system } = process.cpuUsage(begun)
    return (user + system) / 1000
  }
}

/** CPU milliseconds per call: calls one after the other for about `limitMs`, after a fifth as long without counting. */
export async function perCall(call, limitMs = 80) {
  const spin = async (untilMs) => {
    const spent = cpuTime()
    const startedAt = performance.now()
    let count = 0
    while (performance.now() - startedAt < untilMs || count < 3) await call(count++)
    return spent() / count
  }
  await spin(limitMs / 5)
  return spin(limitMs)
}

/** CPU milliseconds per call of `count` calls, `atOnce` of them under way at any time. */
export async function perCallAtOnce(call, count, atOnce) {
  let sent = 0
  const drive = async () => {
    while (sent < count) await call(sent++)
  }
  const spent = cpuTime()
  await Promise.all(Array.from({ length: atOnce }, drive))
  return spent() / count
}

/** What a section's process hands to the one that started it. */
export const report = (result) => process.send?.(result) ?? console.log(JSON.stringify(result, null, 2))
