import { plainColours, statusColours, type Drawing } from './drawing.ts'

/** A quoted string of DOT, lines joined by its own line break. A backslash would start an escape of DOT. */
const quoted = (...lines: string[]): string =>
  `"${lines
    .map((line) =>
      line
        .replace(/\\/g, '\\\\')
        .replace(/"/g, '\\"')
        .replace(/\p{Cc}+/gu, ' '),
    )
    .join('\\n')}"`

const attributes = (pairs: readonly (readonly [string, string | false])[]): string => {
  const given = pairs.filter(([, value]) => value !== false).map(([name, value]) => `${name}=${value}`)
  return given.length === 0 ? '' : ` [${given.join(', ')}]`
}

/** A digraph for Graphviz. Asynchronous edges are dashed; the service under test has a double frame. */
export function toDot({ title, direction, services, edges }: Drawing): string {
  const { service: plain, underTest, edge: edgeColour, smallText } = plainColours
  const lines = [
    `digraph ${quoted(title)} {`,
    `  rankdir=${direction}`,
    `  node [shape=box, style="rounded,filled", fontname="Helvetica", color="${plain.line}", fillcolor="${plain.fill}"]`,
    `  edge [fontname="Helvetica", fontsize=10, color="${edgeColour}", fontcolor="${smallText}"]`,
  ]
  for (const { name, notes, isUnderTest, status } of services) {
    const colour = status ? statusColours[status] : isUnderTest ? underTest : undefined
    const more = attributes([
      ['label', notes.length > 0 && quoted(name, ...notes)],
      ['color', colour !== undefined && quoted(colour.line)],
      ['fillcolor', colour !== undefined && quoted(colour.fill)],
      ['peripheries', isUnderTest && '2'],
    ])
    lines.push(`  ${quoted(name)}${more}`)
  }
  for (const { caller, callee, isAsync, labels, status } of edges) {
    const colour = status && quoted(statusColours[status].line)
    const more = attributes([
      ['label', labels.length > 0 && quoted(...labels)],
      ['style', isAsync && 'dashed'],
      ['color', colour ?? false],
      ['fontcolor', colour ?? false],
    ])
    lines.push(`  ${quoted(caller)} -> ${quoted(callee)}${more}`)
  }
  return `${lines.join('\n')}\n}\n`
}
