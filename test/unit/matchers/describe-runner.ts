import { describe, expect as plain, test } from 'vitest'
import type { MeshMatchers } from '../../../matchers/index.ts'
import { createHistory } from '../../support/history.ts'

export type TypedExpect = (received: unknown) => MeshMatchers<void> & { not: MeshMatchers<void> }

const edge = 'orders->payments'

export function opened() {
  const history = createHistory({ edges: [{ name: edge, ownsCircuit: true }] })
  for (let i = 0; i < 2; i++) history.wait(10).call(edge, 503)
  history.circuit(edge, 'closed -> open', { failures: 2 })
  return history
}

const messageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  return 'passed'
}

/**
 * The same facts under each runner's `expect`. One runner a file: all three keep their matchers in the same global object,
 * where the wrappers of one would be called by another.
 */
export function describeRunner(name: string, expect: TypedExpect): void {
  describe(`under the expect of ${name}`, () => {
    test('passes and fails, with .not too', () => {
      const subject = opened().edge(edge)
      expect(subject).toHaveOpenedCircuit({ afterFailures: 2 })
      expect(subject).not.toHaveOpenedCircuit({ afterFailures: 3 })
      plain(messageOf(() => expect(subject).toHaveOpenedCircuit({ afterFailures: 3 }))).toContain(
        [
          'expect(edge orders->payments).toHaveOpenedCircuit({ afterFailures: 3 })',
          "Expected the circuit to open after 3 failures, but the circuit opened once, after 2 failures (the mesh's own circuit):",
          '     0 ms  POST /charges  503',
          '    10 ms  POST /charges  503',
          '    10 ms  circuit closed -> open  after 2 failures',
        ].join('\n'),
      )
      plain(messageOf(() => expect(subject).not.toHaveOpenedCircuit())).toContain(
        'expect(edge orders->payments).not.toHaveOpenedCircuit()\nExpected the circuit not to open, but',
      )
    })

    test('refuses a wrong receiver', () => {
      plain(messageOf(() => expect(opened().mesh()).not.toHaveOpenedCircuit())).toContain(
        'toHaveOpenedCircuit expects an edge',
      )
    })

    test('waits, with .not too', async () => {
      const history = opened()
      const recovers = expect(history.edge(edge)).toEventuallyHaveRecovered({ withinMs: 100 })
      const leaves = expect(history.edge(edge)).not.toEventuallyHaveCircuitState('open')
      const fails = plain(expect(history.edge(edge)).toEventuallyHaveCallCount(7, { withinMs: 50 })).rejects.toThrow(
        "Waited 50 ms of the mesh's virtual time.",
      )
      history.wait(50).circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> closed')
      await Promise.all([recovers, leaves, fails])
    })
  })
}
