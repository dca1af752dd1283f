import { afterEach, expect, test } from 'vitest'
import { startMesh } from '../../src/index.ts'
import type { Mesh } from '../../src/index.ts'
import { checkout, shop } from '../support/shop.ts'

let mesh: Awaited<ReturnType<typeof startMesh<any>>> | undefined
afterEach(() => mesh?.stop())

test('an order goes through the whole mesh', async () => {
  mesh = await startMesh(shop, { seed: 7 })
  expect(await checkout('XYZ123', 2)).toEqual({ status: 200, body: { orderId: 'ORD98765', status: 'completed' } })
  console.log(mesh.journal.toJSONL()); console.log(mesh.traces.toText()); console.log(mesh.problems, mesh.env('storefront'))
})
test('outage', async () => {
  mesh = await startMesh(shop, { seed: 7 })
  mesh.chaos.outage('payments')
  for (let i = 0; i < 4; i++) expect((await checkout('XYZ123', 2)).status).toBe(202)
  console.log(mesh.edge('orders->payments').circuit?.toJSON(), mesh.edge('orders->payments').stats)
})
test('simulate', async () => {
  mesh = await startMesh(shop, { seed: 7 })
  const t=performance.now()
  await mesh.simulate(async ({ sleep, now }) => {
    mesh!.chaos.outage('payments', { forMs: 30 * 60_000 })
    while (now() < 40 * 60_000) { await checkout('XYZ123', 1); await sleep(1000) }
  })
  console.log(performance.now()-t, mesh.journal.entries.length, mesh.journal.hash(), mesh.edge('orders->payments').circuit?.toJSON())
  console.log(mesh.journal.toJSONL().slice(-1500))
})
