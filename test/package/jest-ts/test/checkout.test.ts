/** @jest-environment meshwright/jest-environment */
import { useMesh } from 'meshwright/jest'
import { shop } from './shop.mesh'
import { checkout, checkoutEverySecondFor } from '../src/checkout'
import { clients } from '../src/clients'

const mesh = useMesh(shop)

test('stops calling a failing gateway', async () => {
  mesh.service('payments').reply('POST /charges', 503)
  for (let i = 0; i < 10; i++) await checkout('XYZ123', 1)
  expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 5 })
})

test('half an hour later', async () => {
  await mesh.simulate(async ({ sleep, now }) => {
    const startedMs = now()
    mesh.chaos.outage('payments', { forMs: 30 * 60_000 })
    await checkoutEverySecondFor(40 * 60_000)
    await sleep(1_000)
    expect(now() - startedMs).toBeGreaterThanOrEqual(40 * 60_000)
    expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
  })
}, 60_000)

test.each(Object.keys(clients))('%s reaches the mesh', async (name) => {
  expect(await clients[name]!()).toBe(200)
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1 })
})

test('a wrong name is an error with a suggestion, for the compiler as well', () => {
  // @ts-expect-error: there is no service of this name
  expect(() => mesh.service('paymnts')).toThrow(/Did you mean "payments"/)
})
