import { plainColours, statusColours, type Drawing, type DrawnEdge, type DrawnService } from './drawing.ts'
import { edgeArrow, selfArrow, type Arrow } from './curves.ts'
import { layout, type Point, type Size } from './layout.ts'

const nameSize = 14
const noteSize = 11
const nameHeight = 20
const noteHeight = 15

/** Text as XML. Control characters have no place in XML 1.0, not even escaped. */
const escaped = (text: string): string =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** About the width of a text in a sans-serif face; there is no font here to ask. On the wide side. */
function textWidth(text: string, size: number): number {
  let em = 0
  for (const character of text) {
    if (/[iljtfrI.,:;'| ()[\]-]/.test(character)) em += 0.36
    else if (/[mwMW%@]/.test(character)) em += 0.92
    else if (/[A-Z0-9]/.test(character)) em += 0.66
    else em += character.codePointAt(0)! < 0x2e80 ? 0.58 : 1.05
  }
  return em * size
}

const widest = (lines: readonly string[], size: number): number =>
  Math.max(0, ...lines.map((line) => textWidth(line, size)))

const serviceSize = ({ name, notes }: DrawnService): Size => ({
  width: Math.ceil(Math.max(96, textWidth(name, nameSize) * 1.06 + 32, widest(notes, noteSize) + 28)),
  height: 24 + nameHeight + notes.length * noteHeight,
})

const labelSize = ({ caller, callee, labels }: DrawnEdge): Size =>
  labels.length === 0
    ? { width: 24, height: caller === callee ? 24 : 4 }
    : { width: Math.ceil(widest(labels, noteSize) + 16), height: labels.length * noteHeight + 6 }

function textLines(lines: readonly string[], centre: number, firstBaseline: number, colour: string): string[] {
  return lines.map(
    (line, index) =>
      `<text x="${centre.toFixed(1)}" y="${(firstBaseline + index * noteHeight).toFixed(1)}" font-size="${noteSize}" fill="${colour}">${escaped(line)}</text>`,
  )
}

function edgeLine({ isAsync, status }: DrawnEdge, { line, head }: Arrow): string[] {
  const colour = status ? statusColours[status].line : plainColours.edge
  const dashes = isAsync ? ' stroke-dasharray="6 4"' : ''
  return [
    `<path d="${line}" fill="none" stroke="${colour}" stroke-width="${status ? 2.2 : 1.5}"${dashes}/>`,
    `<path d="${head}" fill="${colour}"/>`,
  ]
}

function edgeLabel({ labels, status }: DrawnEdge, { x, y, width, height }: Point & Size): string[] {
  if (labels.length === 0) return []
  const colours = status ? statusColours[status] : undefined
  return [
    `<rect x="${(x - width / 2).toFixed(1)}" y="${(y - height / 2).toFixed(1)}" width="${width}" height="${height}" rx="5" fill="${colours?.fill ?? '#ffffff'}" stroke="${colours?.line ?? '#e2e8f0'}"/>`,
    ...textLines(labels, x, y - height / 2 + 14, colours?.line ?? plainColours.smallText),
  ]
}

function serviceBox(
  { name, notes, isUnderTest, status }: DrawnService,
  { x, y, width, height }: Point & Size,
): string[] {
  const colours = status ? statusColours[status] : isUnderTest ? plainColours.underTest : plainColours.service
  const [left, top] = [x - width / 2, y - height / 2]
  const rect = (inset: number, radius: number, fill: string) =>
    `<rect x="${(left + inset).toFixed(1)}" y="${(top + inset).toFixed(1)}" width="${width - 2 * inset}" height="${height - 2 * inset}" rx="${radius}" fill="${fill}" stroke="${colours.line}" stroke-width="${status || isUnderTest ? 1.8 : 1.2}"/>`
  return [
    rect(0, 9, colours.fill),
    // A second frame, so that the service under test is known also where its colour says something else.
    ...(isUnderTest ? [rect(4, 6, 'none')] : []),
    `<text x="${x.toFixed(1)}" y="${(top + 27).toFixed(1)}" font-size="${nameSize}" font-weight="600" fill="${plainColours.text}">${escaped(name)}</text>`,
    ...textLines(notes, x, top + 44, status || isUnderTest ? colours.line : plainColours.smallText),
  ]
}

/**
 * A drawing as SVG text that needs nothing else: no style sheet, no script, no ids, so that several may stand in one HTML
 * page. Placed in layers by dagre; asynchronous edges are dashed, the service under test has a double frame.
 */
export function toSvg(drawing: Drawing): string {
  const { services, edges, title, direction } = drawing
  const placed = layout(drawing, services.map(serviceSize), edges.map(labelSize))
  const [width, height] = [Math.ceil(placed.width), Math.ceil(placed.height)]
  const boxes = new Map(services.map(({ name }, index) => [name, placed.services[index]!]))
  const arrows = edges.map(({ caller, callee }, index) => {
    const { points, label } = placed.edges[index]!
    return caller === callee
      ? selfArrow(boxes.get(caller)!, label, direction)
      : edgeArrow(boxes.get(caller)!, boxes.get(callee)!, points, direction)
  })
  const body = [
    ...edges.flatMap((edge, index) => edgeLine(edge, arrows[index]!)),
    // Labels after all lines, so that none is crossed out.
    ...edges.flatMap((edge, index) => edgeLabel(edge, placed.edges[index]!.label)),
    ...services.flatMap((service, index) => serviceBox(service, placed.services[index]!)),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" text-anchor="middle">`,
    `<title>${escaped(`Service graph of ${title}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...body,
    '</svg>\n',
  ].join('\n')
}
