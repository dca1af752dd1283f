import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

/** A process that was told an address called once, and then ran into a closed port, or did not. */
function unseen() {
  const history = createHistory({ edges: [{ name: edge, addressed: true }] })
  history.call(edge, 200)
  history.fault.inject('f1', 'payments')
  return history.edge(edge)
}

describe('what cannot be told', () => {
  const matchers: [string, (subject: ReturnType<typeof unseen>, not: boolean) => void][] = [
    ['toHaveOpenedCircuit', (s, not) => (not ? expectMesh(s).not : expectMesh(s)).toHaveOpenedCircuit()],
    ['toHaveCircuitState', (s, not) => (not ? expectMesh(s).not : expectMesh(s)).toHaveCircuitState('closed')],
    ['toHaveRetried', (s, not) => (not ? expectMesh(s).not : expectMesh(s)).toHaveRetried()],
    ['toHaveRecovered', (s, not) => (not ? expectMesh(s).not : expectMesh(s)).toHaveRecovered()],
    ['toHaveCallCount', (s, not) => (not ? expectMesh(s).not : expectMesh(s)).toHaveCallCount(1)],
  ]

  test.each(matchers)('%s: fails, and so does its opposite, with the way to make it known', (_name, ask) => {
    for (const not of [false, true]) {
      expect(() => ask(unseen(), not)).toThrow(/cannot be told/)
      expect(() => ask(unseen(), not)).toThrow("chaos.outage('payments', { when: () => true })")
    }
  })

  test('does not touch what was seen all the same', () => {
    const history = createHistory({ edges: [{ name: edge, addressed: true, callerUnderTest: true }] })
    history.call(edge, 503)
    history.wait(10).call(edge, 200)
    history.fault.inject('f1', 'payments')
    expectMesh(history.edge(edge)).toHaveRetried({ attempts: 1 })
    expectMesh(history.edge(edge)).toHaveRecovered()
  })
})
