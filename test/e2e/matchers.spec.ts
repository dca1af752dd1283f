import { expect, test } from 'meshwright/playwright'
import { shop } from './shop.mesh.ts'

const order = () =>
  fetch('https://orders.shop.test/orders', { method: 'POST', body: '{"itemId":"A","quantity":1}' }).then((response) =>
    response.text(),
  )

/** A message as the terminal shows it, without colours. */
const messageOf = async (assert: () => unknown): Promise<string> => {
  try {
    await assert()
  } catch (error) {
    return (error as Error).message
  }
  return 'held'
}

test.use(shop)

test('matchers answer at once, from what was recorded', async ({ mesh }) => {
  await order()
  expect(mesh.edge('orders->catalog')).toHaveCallCount(1)
  expect(mesh.edge('orders->payments')).not.toHaveOpenedCircuit()
  expect(mesh.edge('orders->payments')).toHaveCircuitState('closed')
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1, matching: { amount: 19.99 } })
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })
})

test('their twins wait', async ({ mesh, chaos }) => {
  chaos.latency('orders->catalog', { ms: 60 })
  const ordered = order()
  expect(mesh.service('payments')).not.toHaveReceived('POST /charges')
  await expect(mesh.service('payments')).toEventuallyHaveReceived('POST /charges', { times: 1 }, { withinMs: 2_000 })
  await ordered
})

test('a twin that is negated waits for the opposite', async ({ mesh, chaos }) => {
  const outage = chaos.outage('payments')
  for (let i = 0; i < 5; i++) await order()
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  const closing = expect(mesh.edge('orders->payments')).not.toEventuallyHaveCircuitState('open', { withinMs: 2_000 })
  outage.revert()
  mesh.edge('orders->payments').circuit!.reset()
  await closing
})

test('expect.poll asks again', async ({ mesh }) => {
  setTimeout(() => void order().catch(() => {}), 30)
  await expect.poll(() => mesh.edge('orders->catalog')).toHaveCallCount(1)
})

test('expect.configure sets how long a twin waits', async ({ mesh }) => {
  const impatient = expect.configure({ timeout: 40 })
  const start = performance.now()
  const message = await messageOf(() => impatient(mesh.edge('orders->catalog')).toEventuallyHaveCallCount(1))
  expect(performance.now() - start).toBeLessThan(1_000)
  expect(message).toContain('Waited 40 ms.')
})

test('a wrong receiver is told, also when it is negated', async ({ mesh }) => {
  const wrong = mesh as unknown as ReturnType<typeof mesh.edge>
  expect(await messageOf(() => expect(wrong).not.toHaveCallCount(1))).toContain(
    `toHaveCallCount expects an edge, e.g. mesh.edge('orders->payments'), got mesh "shop"`,
  )
})
