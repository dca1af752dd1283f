import { defineConfig, mergeTests, test as base } from '@playwright/test'
import { defineMesh } from 'meshwright'
import { expect, meshTest, test } from 'meshwright/playwright'
import type { MeshTestOptions } from 'meshwright/playwright'

const shop = defineMesh({
  name: 'shop',
  services: {
    storefront: { underTest: true, calls: { orders: {} } },
    orders: { calls: { payments: {} } },
    payments: {},
  },
})

// ---- test.use

test.use(shop)
test.use({ mesh$: shop })
test.use({ ...shop, meshOptions: { seed: 7 } })
test.use({ mesh$: undefined })
test.use(shop.with({ services: { payments: { instances: 2 } } }))
// @ts-expect-error a definition is no plain object
test.use({ mesh$: { name: 'shop', services: {} } })
// @ts-expect-error it is `seed`
test.use({ meshOptions: { sead: 7 } })
// @ts-expect-error the title is that of the test
test.use({ meshOptions: { title: 'mine' } })

// ---- the configuration

defineConfig<MeshTestOptions>({ use: shop })
defineConfig<MeshTestOptions>({ projects: [{ name: 'all', use: { ...shop, meshOptions: { seed: 7 } } }] })
// @ts-expect-error a name is no definition
defineConfig<MeshTestOptions>({ use: { mesh$: 'shop' } })

// ---- names that nobody knows

test('any name goes, until the test runs', async ({ mesh, chaos, page, request }) => {
  mesh.service('anything')
  mesh.edge('any->thing')
  chaos.outage('anything')
  await page.goto('/')
  await request.get('/')
  // @ts-expect-error an edge is given as text
  mesh.edge(7)
})

// ---- names from the definition

const typed = meshTest(shop)

typed('names are checked', async ({ mesh, chaos, page }) => {
  mesh.service('orders')
  mesh.edge('orders->payments')
  chaos.outage('payments')
  chaos.latency('storefront->orders', { ms: 5 })
  mesh.url('orders', { from: 'storefront' })
  await page.goto('/')
  // @ts-expect-error there is no such service
  mesh.service('paymnts')
  // @ts-expect-error there is no such edge
  mesh.edge('orders->storefront')
  // @ts-expect-error nor can it be broken
  chaos.outage('paymnts')
  // @ts-expect-error a latency has a length
  chaos.latency('payments', {})
  // @ts-expect-error nobody of that name calls
  mesh.url('orders', { from: 'store' })
})

const extended = meshTest(shop.with({ services: { sms: {}, orders: { calls: { sms: {} } } } }))

extended('a derived definition knows the names of both', async ({ mesh }) => {
  mesh.edge('orders->sms')
  mesh.edge('orders->payments')
  // @ts-expect-error sms calls nobody
  mesh.edge('sms->orders')
})

// ---- merging

const other = base.extend<{ greeting: string }>({ greeting: 'hello' })

mergeTests(meshTest(shop), other)('merged tests keep the names', async ({ mesh, chaos, greeting }) => {
  greeting.toUpperCase()
  mesh.service('orders')
  chaos.heal('payments')
  // @ts-expect-error there is no such service
  mesh.service('order')
})

// ---- matchers are offered on what they are for

typed('matchers', async ({ mesh }) => {
  const edge = mesh.edge('orders->payments')
  expect(edge).toHaveOpenedCircuit({ afterFailures: 5 })
  expect(edge).not.toHaveTimedOut()
  expect.soft(edge).toHaveCallCount(1)
  await expect(edge).toEventuallyHaveCircuitState('open', { withinMs: 5 })
  await expect.poll(() => edge).toHaveCallCount(1)
  await expect.configure({ timeout: 5 })(edge).toEventuallyHaveFallenBack()
  expect(mesh.service('payments')).toHaveReceived('POST /charges', { times: 1 })
  expect(mesh).toPropagateTrace({ through: ['orders'] })
  expect('text').toContain('t')
  // @ts-expect-error a service has no circuit
  expect(mesh.service('payments')).toHaveOpenedCircuit()
  // @ts-expect-error nor has a page's text
  expect('text').toHaveCallCount(1)
  // @ts-expect-error a mesh is no edge
  expect(mesh).toHaveCallCount(1)
  // @ts-expect-error there is no such state
  expect(edge).toHaveCircuitState('ajar')
  // @ts-expect-error five failures, not "five"
  expect(edge).toHaveOpenedCircuit({ afterFailures: 'five' })
  // Playwright takes the receiver's type for what it offers: of `any` it knows nothing. Give such a value a type first.
  // @ts-expect-error no custom matcher is offered
  expect(edge as any).toHaveCallCount(1)
})
