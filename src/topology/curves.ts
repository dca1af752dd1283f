import type { Point, Size } from './layout.ts'

/** A line and its arrowhead, as SVG path data. */
export interface Arrow {
  readonly line: string
  readonly head: string
}

type Direction = 'LR' | 'TB'

const headLength = 9
const headHalfWidth = 4

const at = ({ x, y }: Point): string => `${x.toFixed(1)} ${y.toFixed(1)}`

/** Swaps the axes of a top-to-bottom drawing, so that all else may think of left to right. */
const turned = ({ x, y }: Point, direction: Direction): Point => (direction === 'LR' ? { x, y } : { x: y, y: x })

function arrow(tip: Point, sense: number, direction: Direction): string {
  const back = tip.x - sense * headLength
  const corners = [tip, { x: back, y: tip.y - headHalfWidth }, { x: back, y: tip.y + headHalfWidth }]
  return `M ${corners.map((corner) => at(turned(corner, direction))).join(' L ')} Z`
}

/** Where a line leaves or enters a box: on the side that faces `toward`, near where the straight line would cross it. */
function port(box: Point & Size, crossing: Point, toward: Point, direction: Direction): Point {
  const centre = turned(box, direction)
  const [length, breadth] = direction === 'LR' ? [box.width, box.height] : [box.height, box.width]
  const reach = breadth * 0.28
  const y = Math.min(Math.max(turned(crossing, direction).y, centre.y - reach), centre.y + reach)
  return { x: centre.x + (Math.sign(turned(toward, direction).x - centre.x) || 1) * (length / 2), y }
}

/** A smooth line through all of the layout's points, at each of them along the direction of the drawing. */
export function edgeArrow(
  caller: Point & Size,
  callee: Point & Size,
  points: readonly Point[],
  direction: Direction,
): Arrow {
  const inner = points.slice(1, -1)
  const start = port(caller, points[0] ?? callee, inner[0] ?? callee, direction)
  const tip = port(callee, points.at(-1) ?? caller, inner.at(-1) ?? caller, direction)
  const sense = Math.sign(turned(callee, direction).x - tip.x) || 1
  const end = { x: tip.x - sense * headLength, y: tip.y }
  const stops = [...inner.map((point) => turned(point, direction)), end]
  const pieces = stops.map((stop, index) => {
    const from = stops[index - 1] ?? start
    const half = (from.x + stop.x) / 2
    return `C ${[{ x: half, y: from.y }, { x: half, y: stop.y }, stop].map((each) => at(turned(each, direction))).join(' ')}`
  })
  return { line: `M ${at(turned(start, direction))} ${pieces.join(' ')}`, head: arrow(tip, sense, direction) }
}

/** A loop out of the side of the box that faces the label, through the label's centre, and back. */
export function selfArrow(box: Point & Size, label: Point, direction: Direction): Arrow {
  // Left to right, dagre keeps the place for it below the box, else to the right: across the direction of the drawing.
  const across: Direction = direction === 'LR' ? 'TB' : 'LR'
  const [centre, goal] = [turned(box, across), turned(label, across)]
  const edge = centre.x + (direction === 'LR' ? box.height : box.width) / 2
  const spread = Math.min(18, (direction === 'LR' ? box.width : box.height) / 3)
  // A Bezier curve gets three quarters of the way to control points that are level with each other.
  const depth = edge + ((goal.x - edge) * 4) / 3
  const bend = [
    { x: depth, y: centre.y - spread },
    { x: depth, y: centre.y + spread },
    { x: edge + headLength, y: centre.y + spread },
  ]
  return {
    line: `M ${at(turned({ x: edge, y: centre.y - spread }, across))} C ${bend.map((each) => at(turned(each, across))).join(' ')}`,
    head: arrow({ x: edge, y: centre.y + spread }, -1, across),
  }
}
