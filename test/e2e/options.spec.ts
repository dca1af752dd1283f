import { expect as baseExpect, mergeExpects, mergeTests, test as base } from '@playwright/test'
import { http, HttpResponse } from 'meshwright'
import { expect as meshExpect, meshTest, test } from 'meshwright/playwright'
import { shop } from './shop.mesh.ts'

const soldOut = http.get('/items/:id', () => HttpResponse.json({ price: 1, stock: 0 }))

const item = async () => (await fetch('http://catalog/items/7')).json() as Promise<{ stock: number }>

/** The storefront may ask the catalog itself, so that a test needs no more than a fetch. */
const open = shop.with({ services: { storefront: { calls: { catalog: {} } } } })

test.describe('test.use(definition)', () => {
  test.use(open)

  test('gives each test of the describe its mesh', async ({ mesh }) => {
    expect(mesh.name).toBe('shop')
    expect((await item()).stock).toBe(10)
  })

  test('gives each test a fresh one', async ({ mesh }) => {
    expect(mesh.journal.where({ type: 'call.started' })).toEqual([])
    mesh.chaos.outage('catalog')
    await expect(item()).rejects.toThrow('fetch failed')
  })

  test('takes faults back between tests', async () => {
    expect((await item()).stock).toBe(10)
  })

  test.describe('in a nested describe', () => {
    test.use(open.with({ services: { catalog: { handlers: [soldOut] } } }))

    test('overrides that of the outer one', async () => {
      expect((await item()).stock).toBe(0)
    })

    test.describe('deeper down', () => {
      test.use({ mesh$: undefined })

      test('can be taken away', async () => {
        await expect(item()).rejects.toThrow('fetch failed')
      })
    })
  })
})

test.describe('meshOptions', () => {
  test.use({ ...shop, meshOptions: { seed: 'of this describe', listen: false } })

  test('are those of startMesh', async ({ mesh }) => {
    expect(mesh.seed).toBe(process.env.MESHWRIGHT_SEED ?? 'of this describe')
    expect(() => mesh.url('orders')).toThrow('no listener is open')
  })
})

test.describe('without options', () => {
  test.use(shop)
  const seeds: string[] = []

  for (const round of [1, 2])
    test(`the seed comes from the title (${round})`, async ({ mesh }) => {
      seeds.push(mesh.seed)
      expect(new Set(seeds).size).toBe(process.env.MESHWRIGHT_SEED ? 1 : seeds.length)
    })
})

meshTest(shop).describe('meshTest(definition)', () => {
  const typed = meshTest(open)

  typed('uses its definition', async ({ mesh, chaos }) => {
    chaos.abort('storefront->catalog', { status: 503 })
    expect((await mesh.call('storefront', 'catalog', '/items/7')).status).toBe(503)
  })
})

// Somebody else's extension, made without knowledge of this one.
const other = base.extend<{ greeting: string; viewportName: string }>({
  greeting: 'hello',
  viewportName: async ({ viewport }, use) => use(`${viewport?.width} wide`),
})
const otherExpect = baseExpect.extend({
  toBeShout: (received: string) => ({ pass: received === received.toUpperCase(), message: () => 'not loud' }),
})

const merged = mergeTests(test, other)
const mergedTheOtherWay = mergeTests(other, meshTest(open))
const expect = mergeExpects(meshExpect, otherExpect)

merged.describe('mergeTests(test, other)', () => {
  merged.use(open)

  merged('has the fixtures of both', async ({ mesh, greeting, viewportName }) => {
    await item()
    expect(mesh.edge('storefront->catalog')).toHaveCallCount(1)
    expect(greeting.toUpperCase()).toBeShout()
    expect(viewportName).toMatch(/^\d+ wide$/)
  })
})

mergedTheOtherWay('merged the other way round, it has its definition with it', async ({ mesh, greeting }) => {
  await item()
  expect(mesh.edge('storefront->catalog')).toHaveCallCount(1)
  expect(greeting).toBe('hello')
})

merged.describe('a context that somebody else extends', () => {
  const traced = merged.extend<{ visited: string[] }>({
    visited: [],
    context: async ({ context, visited }, use) => {
      context.on('request', (request) => visited.push(request.url()))
      await use(context)
    },
  })
  traced.use(open)

  traced('reaches the mesh all the same', async ({ page, visited }) => {
    await page.goto('http://catalog/items/7')
    expect(visited[0]).toBe('http://catalog/items/7')
    await expect(page.locator('body')).toContainText('Super Widget')
  })
})
