import type { Reported } from '../../../src/report/reported.ts'
import { Topology } from '../../../src/topology/graph.ts'
import { toWaterfallHtml, toWaterfallText } from '../../../src/tracing/waterfall.ts'
import { createHistory } from '../../support/history.ts'
import type { History, HistoryOptions } from '../../support/history.ts'

/** A journal written by hand, and what a report asks of the mesh that it stands for. */
export function reportedHistory(options: HistoryOptions & { problems?: Error[] } = {}): {
  history: History
  mesh: Reported
} {
  const history = createHistory(options)
  const { journal } = history
  const graph = new Topology('shop', {
    storefront: { underTest: true, calls: { orders: {} } },
    orders: { calls: { catalog: {}, payments: {}, emails: { mode: 'async' } } },
    catalog: {},
    payments: {},
    emails: {},
  })
  const mesh: Reported = {
    ...history.mesh(),
    seed: options.seed ?? '42',
    graph,
    problems: options.problems ?? [],
    traces: {
      toText: (traceId, limits) => toWaterfallText(journal, traceId, limits),
      toHtml: (traceId, limits) => toWaterfallHtml(journal, traceId, limits),
    },
  }
  return { history, mesh }
}

/** Five failures in an outage, half a minute open, one trial that fails, one that succeeds. */
export function anOutage(history: History, edge = 'orders->payments'): History {
  history.wait(10_000)
  history.record('fault.injected', { fault: 'f1', kind: 'outage', target: 'payments', options: { forMs: 50_000 } })
  for (let i = 0; i < 5; i++) {
    history.call(edge, 'refused', { fault: 'f1' })
    history.wait(1_000)
  }
  history.circuit(edge, 'closed -> open', { reason: '5 consecutive failures' })
  history.record('circuit.rejected', { edge, source: 'mesh' })
  history.wait(30_000).circuit(edge, 'open -> half-open', { reason: 'open for 30000 ms' })
  history.call(edge, 503)
  history.circuit(edge, 'half-open -> open', { reason: 'trial failed' })
  history.wait(15_000).fault.revert('f1')
  history.wait(15_000).circuit(edge, 'open -> half-open', { reason: 'open for 30000 ms' })
  history.call(edge, 201)
  history.circuit(edge, 'half-open -> closed', { reason: 'trial succeeded' })
  history.wait(20_000).journal.note('the end')
  return history
}

export const hostile = `</script><img src=x onerror="alert(1)">'&\u202e\u001b[31m`
