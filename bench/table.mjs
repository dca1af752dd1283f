/** Tables and numbers as the page writes them. */

export const counted = (value) => Math.round(value).toLocaleString('en')

export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n')
}

export const ms = (value) =>
  !Number.isFinite(value)
    ? '–'
    : value >= 9_950
      ? `${(value / 1_000).toFixed(0)} s`
      : `${value >= 99.5 ? Math.round(value) : value >= 9.95 ? value.toFixed(1) : value.toFixed(2)} ms`
export const megabytes = (value) => (Number.isFinite(value) ? `${Math.round(value)} MB` : '–')
