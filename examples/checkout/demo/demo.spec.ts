import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { circuitTimelineSvg, htmlReport, standing, textReport } from 'meshwright'
import { expect, test } from '../test/e2e/shop.ts'

test('the payment gateway times out during checkout, and comes back', async ({
  page,
  mesh,
  chaos,
  orders,
  shopUrl,
}) => {
  const pay = () => page.getByRole('button', { name: 'Pay' }).click()
  const status = page.getByRole('status')
  await page.goto(shopUrl)
  await pay()
  await expect(status).toHaveText('Paid')

  const latency = chaos.latency('orders->payments', { ms: 5_000 })
  await pay()
  await expect(status).toHaveText('Payment pending')
  await expect(mesh.edge('orders->payments')).toEventuallyHaveOpenedCircuit({ afterFailures: 5 }, { withinMs: 20_000 })
  // Long enough to see trials fail.
  const trials = () => mesh.journal.where({ type: 'circuit.changed', to: 'half-open' }).length
  await expect.poll(trials, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)

  latency.revert()
  await expect(status).toHaveText('Paid', { timeout: 15_000 })
  await mesh.settled({ timeoutMs: 10_000 })
  expect(orders.gateway.charges).toHaveLength(2)
  expect(mesh).toPropagateTrace({ through: ['orders', 'payments'] })

  const folder = process.env.DEMO_REPORT ?? join(import.meta.dirname, '..', '..', '..', 'demo-report')
  mkdirSync(folder, { recursive: true })
  const files = {
    'index.html': htmlReport(mesh),
    'graph.svg': mesh.graph.toSvg(standing(mesh)),
    'graph.mmd': mesh.graph.toMermaid(standing(mesh)),
    'circuit.svg': circuitTimelineSvg(mesh),
    'report.txt': textReport(mesh),
    'journal.jsonl': mesh.journal.toJSONL(),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
})
