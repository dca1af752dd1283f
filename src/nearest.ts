/** Edit distance with transpositions (optimal string alignment), for "did you mean". */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)])
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      rows[i]![j] = best
    }
  return rows[a.length]![b.length]!
}

/** The known names closest to `wanted`, best first, at most `most`; none that shares less than about half of it. */
export function nearest(wanted: string, known: readonly string[], most = 3): string[] {
  const lower = wanted.toLowerCase()
  return known
    .map((name) => ({ name, far: distance(lower, name.toLowerCase()) }))
    .filter(({ name, far }) => far <= Math.max(2, Math.floor(Math.max(name.length, wanted.length) / 2)))
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name)
}

/** `Did you mean "payments"?`, or nothing when no name is near. */
export function didYouMean(wanted: string, known: readonly string[]): string {
  const [best] = nearest(wanted, known, 1)
  return best === undefined ? '' : ` Did you mean "${best}"?`
}

/** How a received value is shown in an error: its text and its type. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  if (typeof value === 'function') return `${value.name || 'anonymous'} (function)`
  let text: string
  try {
    text = JSON.stringify(value) ?? String(value)
  } catch {
    text = String(value)
  }
  if (typeof value === 'number' && !Number.isFinite(value)) text = String(value)
  if (text.length > 80) text = `${text.slice(0, 77)}...`
  return `${text} (${Array.isArray(value) ? 'array' : typeof value})`
}
