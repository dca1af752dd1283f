/** A line chart with logarithmic axes, as SVG that reads well on light and on dark pages. */

const width = 760
const height = 420
const box = { left: 88, right: 545, top: 50, bottom: 360 }
const colours = ['#2f7ed8', '#1b9e5a', '#d9822b', '#c23b4b']

const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
const place = (value, [low, high], [from, to]) =>
  from + ((Math.log10(value) - Math.log10(low)) / (Math.log10(high) - Math.log10(low))) * (to - from)

/** Powers of ten from below the least to above the greatest value. */
function decades(values) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.ceil(Math.log10(Math.max(...values)))
  return Array.from({ length: Math.max(high, low + 1) - low + 1 }, (_, i) => 10 ** (low + i))
}

/**
 * @param {{ title: string, xLabel: string, yLabel: string,
 *   lines: readonly { name: string, points: readonly { x: number, y: number }[] }[] }} chart
 */
export function lineChart({ title, xLabel, yLabel, lines }) {
  const points = lines.flatMap(({ points: own }) => own)
  const xTicks = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b)
  const yTicks = decades(points.map(({ y }) => y))
  const xRange = [xTicks[0], xTicks.at(-1)]
  const yRange = [yTicks[0], yTicks.at(-1)]
  const xOf = (x) => place(x, xRange, [box.left, box.right]).toFixed(1)
  const yOf = (y) => place(y, yRange, [box.bottom, box.top]).toFixed(1)
  const text = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`

  // Names stand beside the ends of their lines, pushed apart where those are close.
  const labels = lines
    .map(({ name, points: own }, i) => ({ name, colour: colours[i], y: Number(yOf(own.at(-1).y)) }))
    .toSorted((a, b) => a.y - b.y)
  labels.forEach((label, i) => (label.y = Math.max(label.y, i === 0 ? box.top : labels[i - 1].y + 18)))

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13">
<rect width="${width}" height="${height}" fill="#fff"/>
<g fill="#333">
${text(box.left, 26, title, 'font-size="16" font-weight="600"')}
${text((box.left + box.right) / 2, height - 16, xLabel, 'text-anchor="middle"')}
${text(16, (box.top + box.bottom) / 2, yLabel, `text-anchor="middle" transform="rotate(-90 16 ${(box.top + box.bottom) / 2})"`)}
${xTicks.map((x) => text(xOf(x), box.bottom + 20, x.toLocaleString('en'), 'text-anchor="middle"')).join('\n')}
${yTicks.map((y) => text(box.left - 8, Number(yOf(y)) + 4, y.toLocaleString('en'), 'text-anchor="end"')).join('\n')}
</g>
<g stroke="#ddd">
${yTicks.map((y) => `<line x1="${box.left}" x2="${box.right}" y1="${yOf(y)}" y2="${yOf(y)}"/>`).join('\n')}
</g>
${lines
  .map(
    ({ points: own }, i) => `<g stroke="${colours[i]}" fill="${colours[i]}">
<polyline fill="none" stroke-width="2.5" points="${own.map(({ x, y }) => `${xOf(x)},${yOf(y)}`).join(' ')}"/>
${own.map(({ x, y }) => `<circle cx="${xOf(x)}" cy="${yOf(y)}" r="3.5"/>`).join('')}
</g>`,
  )
  .join('\n')}
${labels.map(({ name, colour, y }) => text(box.right + 12, y + 4, name, `fill="${colour}" font-weight="600"`)).join('\n')}
</svg>
`
}

const bars = { left: 262, right: 690, height: 20, gap: 5, groupGap: 34, top: 62 }
const ours = '#2f7ed8'
const others = '#9aa5b1'

/**
 * Groups of horizontal bars on one axis that begins at nothing: their lengths may be compared.
 *
 * @param {{ title: string, groups: readonly { name: string,
 *   bars: readonly { name: string, value: number, label: string, isOurs?: boolean }[] }[] }} chart
 */
export function barChart({ title, groups }) {
  const most = Math.max(...groups.flatMap(({ bars: own }) => own.map(({ value }) => value)))
  const lengthOf = (value) => Math.max(1, (value / most) * (bars.right - bars.left - 60))
  const text = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`
  let y = bars.top
  const parts = groups.flatMap(({ name, bars: own }) => {
    const lines = [text(24, y, name, 'font-weight="600"')]
    y += 12
    for (const { name: label, value, label: figure, isOurs } of own) {
      const weight = isOurs ? ' font-weight="600"' : ''
      const length = lengthOf(value)
      lines.push(
        text(bars.left - 10, y + 15, label, `text-anchor="end"${weight}`),
        `<rect x="${bars.left}" y="${y}" width="${length.toFixed(1)}" height="${bars.height}" fill="${isOurs ? ours : others}"/>`,
        text((bars.left + length + 8).toFixed(1), y + 15, figure, weight.trim()),
      )
      y += bars.height + bars.gap
    }
    y += bars.groupGap - bars.gap
    return lines
  })
  const tall = y - 6
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="13">
<rect width="${width}" height="${tall}" fill="#fff"/>
<g fill="#333">
${text(24, 28, title, 'font-size="16" font-weight="600"')}
${parts.join('\n')}
</g>
</svg>
`
}
