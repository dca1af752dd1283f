import { afterEach, describe, expect, test, vi } from 'vitest'
import { unawaited } from '../../../matchers/eventually.ts'
import { matchers } from '../../../matchers/index.ts'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'
const owned = { edges: [{ name: edge, ownsCircuit: true }] }

/** How many listeners a journal has: an assertion that ended leaves none. */
function watched(options = {}) {
  const history = createHistory({ ...owned, ...options })
  let listeners = 0
  const { subscribe } = history.journal
  history.journal.subscribe = (listener) => {
    const undo = subscribe(listener)
    listeners++
    return () => {
      listeners--
      undo()
    }
  }
  return Object.assign(history, { left: () => listeners + history.timers() })
}

afterEach(() => {
  vi.useRealTimers()
})

describe('a waiting twin', () => {
  test('passes at once when it holds already', async () => {
    const history = watched().circuit(edge, 'closed -> open', { failures: 5 })
    await expectMesh(history.edge(edge)).toEventuallyHaveOpenedCircuit({ afterFailures: 5 })
  })

  test('passes as soon as an entry makes it hold', async () => {
    const history = watched()
    const assertion = expectMesh(history.edge(edge)).toEventuallyHaveOpenedCircuit({ withinMs: 500 })
    expect(history.left()).toBe(2)
    history.wait(499).circuit(edge, 'closed -> open', { failures: 5 })
    await assertion
    expect(history.left()).toBe(0)
  })

  test('notices a state that lasts for one entry only', async () => {
    const history = watched()
    const assertion = expectMesh(history.edge(edge)).toEventuallyHaveCircuitState('half-open')
    history.circuit(edge, 'closed -> open').circuit(edge, 'open -> half-open').circuit(edge, 'half-open -> closed')
    await assertion
  })

  test('fails when the time is up, in virtual time where there is some', async () => {
    const history = watched({ chance: true })
    const assertion = expectMesh(history.edge(edge)).toEventuallyHaveOpenedCircuit(
      { afterFailures: 5 },
      { withinMs: 60_000 },
    )
    history.wait(10).call(edge, 503)
    history.wait(60_000)
    await expect(assertion).rejects.toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toEventuallyHaveOpenedCircuit({ afterFailures: 5 }, { withinMs: 60000 })
      Expected the circuit to open after 5 failures, but the circuit never opened: 1 try, at most 1 failure in a row (the mesh's own circuit):
           0 ms  POST /charges  503
      Waited 60000 ms of the mesh's virtual time.
      Replay with MESHWRIGHT_SEED=42]
    `)
    expect(history.left()).toBe(0)
  })

  test('waits one second unless told, and as long as the runner says where it does', async () => {
    const history = watched()
    const { toEventuallyHaveCallCount } = matchers
    const results = [
      toEventuallyHaveCallCount.call({}, history.edge(edge), 1),
      toEventuallyHaveCallCount.call({ timeout: 300 }, history.edge(edge), 1),
      toEventuallyHaveCallCount.call({ timeout: 300 }, history.edge(edge), 1, { withinMs: 20 }),
    ]
    history.wait(5000)
    const messages = (await Promise.all(results)).map((result) => result.message().split('\n').at(-1))
    expect(messages).toEqual([
      "Waited 1000 ms of the mesh's virtual time.",
      "Waited 300 ms of the mesh's virtual time.",
      "Waited 20 ms of the mesh's virtual time.",
    ])
  })

  test("waits in real time otherwise, which a test's fake timers do not stop", async () => {
    vi.useFakeTimers()
    const history = watched({ mode: 'real' })
    const assertion = expectMesh(history.edge(edge)).toEventuallyHaveTimedOut({ withinMs: 20 })
    await expect(assertion).rejects.toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toEventuallyHaveTimedOut({ withinMs: 20 })
      Expected a try to time out, but nothing was sent
      Waited 20 ms.]
    `)
    expect(history.left()).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('fails at once when the mesh stops, or has stopped', async () => {
    const history = watched()
    const assertion = expectMesh(history.edge(edge)).toEventuallyHaveRetried({ withinMs: 60_000 })
    history.record('mesh.stopped', {})
    await expect(assertion).rejects.toThrow('Waited until the mesh stopped.')
    await expect(expectMesh(history.edge(edge)).toEventuallyHaveRetried()).rejects.toThrow(
      'Did not wait: the mesh has stopped, nothing more will happen.',
    )
    expect(history.left()).toBe(0)
  })

  test('is given up, and named, when the code that started it has ended', async () => {
    const history = watched()
    let isOver = false
    const end = () => void (isOver = true)
    expectMesh(history.edge(edge)).toEventuallyHaveCallCount(1).then(end, end)
    expect(unawaited(history.journal)).toEqual(['expect(edge orders->payments).toEventuallyHaveCallCount(1)'])
    expect([unawaited(history.journal), history.left()]).toEqual([[], 0])
    history.record('mesh.stopped', {})
    await new Promise((resolve) => setImmediate(resolve))
    expect(isOver).toBe(false)
  })

  test('that has ended is not named', async () => {
    const history = watched()
    const assertion = expectMesh(history.edge(edge)).toEventuallyHaveCallCount(1)
    history.call(edge, 200)
    await assertion
    expect(unawaited(history.journal)).toEqual([])
  })

  test('refuses a wrong receiver and wrong options under its own name', async () => {
    const history = watched()
    await expect(expectMesh(7).not.toEventuallyHaveRetried()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[MeshError: toEventuallyHaveRetried expects an edge, e.g. mesh.edge('orders->payments'), got 7 (number)   [MESH_INVALID_OPTION]]`,
    )
    await expect(expectMesh(history.edge(edge)).toEventuallyHaveRetried({ attempts: 1 }, { within: 5 } as object))
      .rejects.toThrowErrorMatchingInlineSnapshot(`
      [MeshError: toEventuallyHaveRetried: no option \`within\`. Did you mean "withinMs"?
        Options: withinMs   [MESH_INVALID_OPTION]]
    `)
    expect(history.left()).toBe(0)
  })

  test("passes on what the author's predicate throws, without harming the mesh", async () => {
    const history = watched()
    const matching = () => {
      throw new Error('in my predicate')
    }
    const assertion = expectMesh(history.service('payments')).toEventuallyHaveReceived('POST /charges', { matching })
    history.call(edge, 200)
    await expect(assertion).rejects.toThrow('in my predicate')
    expect(history.left()).toBe(0)
  })
})

describe('a waiting twin with .not', () => {
  test('passes at once when it does not hold', async () => {
    const history = watched()
    await expectMesh(history.edge(edge)).not.toEventuallyHaveOpenedCircuit()
    expect(history.left()).toBe(0)
  })

  test('waits until it no longer holds', async () => {
    const history = watched()
    history.circuit(edge, 'closed -> open')
    const assertion = expectMesh(history.edge(edge)).not.toEventuallyHaveCircuitState('open')
    history.wait(100)
    expect(history.left()).toBe(2)
    history.circuit(edge, 'open -> half-open')
    await assertion
    expect(history.left()).toBe(0)
  })

  test('fails when it still holds in the end', async () => {
    const history = watched()
    history.circuit(edge, 'closed -> open', { failures: 1 })
    const assertion = expectMesh(history.edge(edge)).not.toEventuallyHaveCircuitState('open', { withinMs: 500 })
    history.wait(500)
    await expect(assertion).rejects.toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).not.toEventuallyHaveCircuitState('open', { withinMs: 500 })
      Expected the circuit not to be open, but it is open, since it was told to (the mesh's own circuit):
           0 ms  circuit closed -> open  after 1 failure
      Waited 500 ms of the mesh's virtual time.]
    `)
    expect(history.left()).toBe(0)
  })
})

describe('the options of a twin', () => {
  test('come last, and may stand alone where the argument before them may be left out', async () => {
    const history = watched()
    const given = [
      expectMesh(history.service('payments')).toEventuallyHaveReceived('POST /charges', { withinMs: 100 }),
      expectMesh(history.service('payments')).toEventuallyHaveReceived(
        'POST /charges',
        { times: 1 },
        { withinMs: 100 },
      ),
      expectMesh(history.edge(edge)).toEventuallyHaveCallCount(1, { withinMs: 100 }),
      expectMesh(history.edge(edge)).toEventuallyHaveFallenBack({ times: 1 }, { withinMs: 100 }),
      expectMesh(history.edge(edge)).toEventuallyHaveRecovered({ withinMs: 100 }),
      expectMesh(history.edge(edge)).toEventuallyHaveRecovered({ withinMs: 5 }, { withinMs: 100 }),
      expectMesh(history.mesh()).toEventuallyHaveContainedFailure({ within: 'payments' }, { withinMs: 100 }),
      expectMesh(history.mesh()).toEventuallyPropagateTrace({ withinMs: 100 }),
    ]
    history.wait(100)
    const lines = (await Promise.allSettled(given)).map((one) => {
      const lines = one.status === 'rejected' ? String(one.reason.message).split('\n') : ['passed', '']
      return [lines[0], lines.at(-1)]
    })
    expect(lines.map(([, last]) => last)).toEqual(given.map(() => "Waited 100 ms of the mesh's virtual time."))
    expect(lines.map(([first]) => first)).toMatchInlineSnapshot(`
      [
        "expect(service payments).toEventuallyHaveReceived('POST /charges', { withinMs: 100 })",
        "expect(service payments).toEventuallyHaveReceived('POST /charges', { times: 1 }, { withinMs: 100 })",
        "expect(edge orders->payments).toEventuallyHaveCallCount(1, { withinMs: 100 })",
        "expect(edge orders->payments).toEventuallyHaveFallenBack({ times: 1 }, { withinMs: 100 })",
        "expect(edge orders->payments).toEventuallyHaveRecovered({ withinMs: 100 })",
        "expect(edge orders->payments).toEventuallyHaveRecovered({ withinMs: 5 }, { withinMs: 100 })",
        "expect(mesh shop).toEventuallyHaveContainedFailure({ within: 'payments' }, { withinMs: 100 })",
        "expect(mesh shop).toEventuallyPropagateTrace({ withinMs: 100 })",
      ]
    `)
  })
})

test('every matcher has its twin', () => {
  const names = Object.keys(matchers)
  const plain = names.filter((name) => !name.startsWith('toEventually'))
  expect(plain).toHaveLength(10)
  expect(names.filter((name) => name.startsWith('toEventually')).toSorted()).toEqual(
    plain.map((name) => name.replace(/^to/, 'toEventually')).toSorted(),
  )
})

test('the wait among the options of the matcher is told its place', async () => {
  const history = createHistory()
  const options = { times: 2, withinMs: 20 } as { times: number }
  await expect(
    Promise.resolve(expectMesh(history.edge('orders->payments')).toEventuallyHaveOpenedCircuit(options)),
  ).rejects.toThrow(/no option `withinMs`[^]*the last one: \(\.\.\., \{ withinMs \}\)\. {3}\[MESH_INVALID_OPTION\]$/)
})
