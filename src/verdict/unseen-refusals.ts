import type { Subject } from '../journal/subject.ts'
import { factsOf } from './traffic.ts'

/**
 * Why it cannot be told what was tried on an edge: an outage closes the port that another process was told to call, and what it
 * then tries never gets here. Undefined when nobody was told an address of this edge, or when no such outage was.
 */
export function unseenRefusals(subject: Subject): string | undefined {
  if (!factsOf(subject)?.addressed) return undefined
  const { journal, name } = subject
  const [, callee] = name.split('->')
  const outage = journal.where({ type: 'fault.injected', kind: 'outage' }).find(({ fault, target, options }) => {
    const isMeant = target === name || target === callee
    // One that looks at each request has to read it, and so has a trace of it.
    const closesPort = !('when' in options || 'percent' in options || 'times' in options)
    return isMeant && closesPort && journal.where({ type: 'fault.hit', fault, edge: name }).length === 0
  })
  if (!outage) return undefined
  return `${callee} refused connections (${outage.fault}), and what another process then tried left no trace here; an outage that looks at each request leaves one: chaos.outage('${outage.target}', { when: () => true })`
}
