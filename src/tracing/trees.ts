import type { Entry } from '../journal/entry.ts'
import type { Journal } from '../journal/journal.ts'

export type SpanEntry = Entry<'span.ended'>

/**
 * Where an error came from: `origin` is an error of its own, `propagated` one that came up from a child, `suppressed` a
 * success above a failed child, so that something (a retry, a fallback) worked.
 */
export type ErrorRole = 'none' | 'origin' | 'propagated' | 'suppressed'

export interface SpanNode {
  readonly span: SpanEntry
  readonly children: readonly SpanNode[]
  readonly depth: number
  /** `absent`: its parent is not in the journal (often a span of the code under test). `cut`: a cycle was opened here. */
  readonly parent: 'root' | 'present' | 'absent' | 'cut'
  readonly error: ErrorRole
}

export interface TraceTree {
  readonly traceId: string
  readonly roots: readonly SpanNode[]
  /** Every span once, parents before their children, siblings by start. */
  readonly nodes: readonly SpanNode[]
  readonly startMs: number
  readonly endMs: number
}

// Filled in while the tree is built; readers get it as a SpanNode.
interface Draft {
  span: SpanEntry
  children: Draft[]
  depth: number
  parent: SpanNode['parent']
  error: ErrorRole
}

/**
 * The finished spans of a journal as trees, one per trace, in the order in which the traces began. Takes anything:
 * spans without their parent become roots, of spans with the same id the first is the parent, a cycle is cut open at
 * its earliest span.
 */
export function spansOf(journal: Pick<Journal, 'where'>, { traceId }: { traceId?: string } = {}): TraceTree[] {
  const byTrace = new Map<string, SpanEntry[]>()
  for (const span of journal.where({ type: 'span.ended', traceId })) {
    const same = byTrace.get(span.traceId)
    if (same) same.push(span)
    else byTrace.set(span.traceId, [span])
  }
  return [...byTrace].map(([id, spans]) => treeOf(id, spans)).sort((a, b) => a.startMs - b.startMs)
}

function treeOf(traceId: string, spans: readonly SpanEntry[]): TraceTree {
  const drafts: Draft[] = [...spans]
    .sort((a, b) => a.startMs - b.startMs || a.seq - b.seq)
    .map((span) => ({ span, children: [], depth: 0, parent: 'root', error: 'none' }))
  const byId = new Map<string, Draft>()
  for (const draft of drafts) if (!byId.has(draft.span.spanId)) byId.set(draft.span.spanId, draft)

  const roots: Draft[] = []
  for (const draft of drafts) {
    const above = draft.span.parentSpanId
    const parent = above === undefined ? undefined : byId.get(above)
    draft.parent = above === undefined ? 'root' : parent ? 'present' : 'absent'
    if (parent) parent.children.push(draft)
    else roots.push(draft)
  }

  const nodes: Draft[] = []
  const seen = new Set<Draft>()
  // With a stack of its own: a trace may be deeper than the call stack.
  const visit = (root: Draft) => {
    const stack = [root]
    while (stack.length > 0) {
      const draft = stack.pop()!
      if (seen.has(draft)) continue
      seen.add(draft)
      nodes.push(draft)
      draft.children = draft.children.filter((child) => !seen.has(child))
      for (const child of draft.children) child.depth = draft.depth + 1
      for (const child of draft.children.toReversed()) stack.push(child)
    }
  }
  for (const root of roots) visit(root)
  for (const draft of drafts) {
    if (seen.has(draft)) continue
    draft.parent = 'cut'
    roots.push(draft)
    visit(draft)
  }

  for (const draft of nodes.toReversed()) draft.error = errorRole(draft)
  return {
    traceId,
    roots,
    nodes,
    startMs: drafts.reduce((least, { span }) => Math.min(least, span.startMs), Infinity),
    endMs: drafts.reduce((most, { span }) => Math.max(most, span.endMs), -Infinity),
  }
}

function errorRole({ span, children }: Draft): ErrorRole {
  const below = children.some(({ error }) => error === 'origin' || error === 'propagated')
  if (span.status === 'error') return below ? 'propagated' : 'origin'
  return below ? 'suppressed' : 'none'
}
