import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as meshwright from 'meshwright'
import { expect, test } from 'meshwright/playwright'
import { fortyMinutes } from '../support/determinism.ts'
import { shop } from './shop.mesh.ts'

const expected = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'support', 'determinism.json'), 'utf8')) as {
  hash: string
}

/** Code under test: it knows nothing of the mesh, and waits on the timers that it finds. */
async function checkoutEvery(everyMs: number, forMs: number): Promise<number[]> {
  const statuses: number[] = []
  for (const end = Date.now() + forMs; Date.now() < end;) {
    const body = JSON.stringify({ itemId: 'XYZ123', quantity: 1 })
    const response = await fetch('https://orders.shop.test/orders', { method: 'POST', body })
    await response.arrayBuffer()
    statuses.push(response.status)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  return statuses
}

test.describe('virtual time', () => {
  test.use(shop)

  test('half an hour of outage passes at once, for the mesh and for the code under test', async ({ mesh, chaos }) => {
    const realStart = performance.now()
    const before = Date.now()
    await mesh.simulate(async ({ now }) => {
      chaos.outage('payments', { forMs: 30 * 60_000 })
      const statuses = await checkoutEvery(5_000, 35 * 60_000)
      expect(now()).toBeGreaterThanOrEqual(35 * 60_000)
      expect(new Set(statuses)).toEqual(new Set([200, 202]))
      expect(mesh.edge('orders->payments')).toHaveOpenedCircuit({ afterFailures: 5 })
      expect(mesh.edge('orders->payments')).toHaveRecovered({ withinMs: 31_000 })
    })
    expect(performance.now() - realStart).toBeLessThan(20_000)
    expect(Math.abs(Date.now() - before)).toBeLessThan(60_000)
  })

  test("Playwright's own waiting stays real around a simulation", async ({ mesh, page }) => {
    await mesh.simulate(({ sleep }) => sleep(3_600_000))
    await page.setContent(
      '<p></p><script>setTimeout(() => document.querySelector("p").textContent = "late", 300)</script>',
    )
    await expect(page.locator('p')).toHaveText('late')
  })
})

// The same scenario runs in test/mesh and test/jest, and has to give the same journal there.
test('forty minutes of virtual time give the same journal in Playwright', async () => {
  delete process.env.MESHWRIGHT_SEED
  const { hash, orders } = await fortyMinutes(meshwright)
  expect({ hash, orders }).toEqual(expected)
})

test('beside others, too', async () => {
  delete process.env.MESHWRIGHT_SEED
  const played = await Promise.all([1, 2, 3, 4].map(() => fortyMinutes(meshwright)))
  expect(played.map(({ hash }) => hash)).toEqual(Array(4).fill(expected.hash))
})
