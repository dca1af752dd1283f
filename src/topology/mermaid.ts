import { plainColours, statusColours, type Drawing, type DrawnService } from './drawing.ts'

/** Mermaid reads HTML-like entities with `#` for `&`; everything that could end a label or mean markup becomes one. */
const escaped = (text: string): string =>
  text.replace(/[^\p{L}\p{N} ._,+%-]/gu, (character) => `#${character.codePointAt(0)};`)

function serviceClass({ status, isUnderTest }: DrawnService): string | undefined {
  if (status) return status.replace('-', '')
  return isUnderTest ? 'underTest' : undefined
}

const colours = new Map(
  [...Object.entries(statusColours), ['underTest', plainColours.underTest] as const].map(([name, { line, fill }]) => [
    name.replace('-', ''),
    `fill:${fill},stroke:${line},stroke-width:2px`,
  ]),
)

/** A Mermaid flowchart. Asynchronous edges are dotted; services stand as `s0`, `s1` ..., because a name may be a keyword. */
export function toMermaid({ title, direction, services, edges }: Drawing): string {
  const ids = new Map(services.map(({ name }, index) => [name, `s${index}`]))
  const lines = [`---`, `title: ${JSON.stringify(title)}`, `---`, `flowchart ${direction}`]
  const classes = new Set<string>()
  for (const service of services) {
    const label = [service.name, ...service.notes].map(escaped).join('<br/>')
    // The service under test has a frame of its own shape, visible also without colours.
    const [opening, closing] = service.isUnderTest ? ['[["', '"]]'] : ['("', '")']
    const itsClass = serviceClass(service)
    if (itsClass) classes.add(itsClass)
    lines.push(`  ${ids.get(service.name)}${opening}${label}${closing}${itsClass ? `:::${itsClass}` : ''}`)
  }
  edges.forEach(({ caller, callee, isAsync, labels }) => {
    const label = labels.length === 0 ? '' : `|"${labels.map(escaped).join('<br/>')}"|`
    lines.push(`  ${ids.get(caller)} ${isAsync ? '-.->' : '-->'}${label} ${ids.get(callee)}`)
  })
  for (const name of classes) lines.push(`  classDef ${name} ${colours.get(name)}`)
  edges.forEach(({ status }, index) => {
    if (status) lines.push(`  linkStyle ${index} stroke:${statusColours[status].line},stroke-width:2px`)
  })
  return `${lines.join('\n')}\n`
}
