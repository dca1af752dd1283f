const longest = 120

/** A value as one would write it in a test: `{ afterFailures: 5 }`, `'POST /charges'`. Cut when it is long. */
export function inline(value: unknown): string {
  const text = written(value, 0)
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text
}

function written(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  if (typeof value === 'function') return `[function${value.name ? ` ${value.name}` : ''}]`
  if (typeof value !== 'object' || value === null) return String(value)
  // Deep or circular values end here; nobody reads more in one line.
  if (depth > 4) return Array.isArray(value) ? '[...]' : '{...}'
  if (Array.isArray(value)) return `[${value.map((item) => written(item, depth + 1)).join(', ')}]`
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  if (entries.length === 0) return '{}'
  const key = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`)
  return `{ ${entries.map(([name, item]) => `${key(name)}: ${written(item, depth + 1)}`).join(', ')} }`
}
