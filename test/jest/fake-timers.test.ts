import { setImmediate as turn } from 'node:timers/promises'
import { useMesh } from 'meshwright/jest'
import { checkout } from './checkout.ts'
import { quickShop } from './shop.mesh.ts'

afterEach(() => {
  jest.useRealTimers()
})

describe('by default', () => {
  const mesh = useMesh(quickShop)

  test('a mesh without delays answers while timers are faked', async () => {
    jest.useFakeTimers()
    expect(await checkout('XYZ123', 1)).toMatchObject({ status: 200 })
  })

  test('latency stands still until the test advances the timers', async () => {
    jest.useFakeTimers()
    mesh.chaos.latency('storefront->orders', { ms: 5_000 })
    let isDone = false
    const order = checkout('XYZ123', 1).then((receipt) => {
      isDone = true
      return receipt
    })
    await arrived()
    await jest.advanceTimersByTimeAsync(4_999)
    expect(isDone).toBe(false)
    await jest.advanceTimersByTimeAsync(1)
    expect(await order).toMatchObject({ status: 200 })
    expect(mesh.edge('storefront->orders').calls[0]?.durationMs).toBe(5_000)
  })

  test("the mesh's own time-outs and circuits keep the test's time", async () => {
    jest.useFakeTimers({ now: 0 })
    mesh.service('payments').reply('POST /charges', 503)
    for (let i = 0; i < 4; i++) await checkout('XYZ123', 1)
    expect(mesh.edge('orders->payments')).toHaveCircuitState('open')
    jest.setSystemTime(30_001)
    mesh.service('payments').reply('POST /charges', 200)
    expect(await checkout('XYZ123', 1)).toMatchObject({ status: 200 })
    expect(mesh.edge('orders->payments')).toHaveCircuitState('closed')
  })

  test('faked timers that a test leaves behind do not hold its end', () => {
    jest.useFakeTimers()
    mesh.chaos.latency('storefront->orders', { ms: 60_000 })
    void checkout('XYZ123', 1).catch(() => {})
  })

  // Resolves when the request is in the mesh, in real time: it is on its way over real I/O.
  async function arrived() {
    while (mesh.journal.where({ type: 'call.started' }).length === 0) await turn()
    for (let i = 0; i < 5; i++) await turn()
  }
})

describe("with clock: 'real'", () => {
  const mesh = useMesh(quickShop, { clock: 'real' })

  test('latency passes whatever the test fakes', async () => {
    jest.useFakeTimers()
    mesh.chaos.latency('storefront->orders', { ms: 20 })
    expect(await checkout('XYZ123', 1)).toMatchObject({ status: 200 })
    expect(mesh.clock.mode).toBe('real')
  })
})
