import { startMesh } from 'meshwright'
import { useMesh } from 'meshwright/jest'
import { checkout } from './checkout.ts'
import { quickShop } from './shop.mesh.ts'

const mesh = useMesh(quickShop)
const sku = 'XYZ123'

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('hooks', () => {
  beforeEach(async () => {
    await checkout(sku, 1)
  })
  beforeEach((done: jest.DoneCallback) => {
    checkout(sku, 2).then(() => done(), done)
  })
  afterEach(() => {
    expect(mesh.edge('storefront->orders')).toHaveCallCount(2)
  })

  test('belong to the mesh of their test', () => {
    expect(mesh.edge('storefront->orders')).toHaveCallCount(2)
  })

  test('find a fresh mesh for the next one', () => {
    expect(mesh.edge('storefront->orders')).toHaveCallCount(2)
  })
})

describe('bodies', () => {
  beforeEach(function (this: { mark?: string }) {
    this.mark = 'set by the hook'
  })

  test('may have a done callback', (done) => {
    checkout(sku, 1).then(() => {
      expect(mesh.edge('storefront->orders')).toHaveCallCount(1)
      done()
    }, done)
  })

  // @types/jest knows no generators; jest-circus runs them.
  test('may be generators', function* () {
    const receipt: { status: number } = yield checkout(sku, 1)
    expect(receipt.status).toBe(200)
    try {
      yield Promise.reject(new Error('thrown into the generator'))
    } catch (error) {
      expect(String(error)).toContain('thrown into the generator')
    }
    yield checkout(sku, 1)
    expect(mesh.edge('storefront->orders')).toHaveCallCount(2)
  } as unknown as jest.ProvidesCallback)

  test('share `this` with their hooks', function (this: { mark?: string }) {
    expect(this.mark).toBe('set by the hook')
  })

  test.each([1, 2])('may come from a table: %i', async (orders) => {
    for (let i = 0; i < orders; i++) await checkout(sku, 1)
    expect(mesh.edge('storefront->orders')).toHaveCallCount(orders)
  })
})

const insiders: { inner?: { readonly seed: string } } = {}

describe('a describe block', () => {
  const inner = (insiders.inner = useMesh(quickShop.with({ name: 'inner shop' })))

  test('may have a mesh of its own, which answers before the outer one', async () => {
    await checkout(sku, 1)
    expect(inner.name).toBe('inner shop')
    expect(inner.edge('storefront->orders')).toHaveCallCount(1)
    expect(mesh.edge('storefront->orders')).toHaveCallCount(0)
  })

  describe('inside of another', () => {
    const innermost = useMesh(quickShop.with({ name: 'innermost shop' }))

    test('has all three', async () => {
      await checkout(sku, 1)
      expect([mesh, inner, innermost].map(({ name }) => name)).toEqual(['shop', 'inner shop', 'innermost shop'])
      expect(innermost.edge('storefront->orders')).toHaveCallCount(1)
    })
  })
})

describe('without a mesh', () => {
  const whileDefined = thrownBy(() => mesh.seed)
  let beforeAllThrew: unknown
  beforeAll(() => {
    beforeAllThrew = thrownBy(() => mesh.service('orders'))
  })

  test.each([
    ['while tests are defined', () => whileDefined],
    ['in beforeAll', () => beforeAllThrew],
  ])('%s, the error says when there is one', (_when, error) => {
    expect(error()).toMatchObject({ code: 'MESH_NO_MESH' })
    expect(String(error())).toContain('Use it in a test, in beforeEach or in afterEach')
  })

  test('of a describe block outside of it, the error names the block', () => {
    const error = thrownBy(() => insiders.inner?.seed)
    expect(error).toMatchObject({ code: 'MESH_NO_MESH' })
    expect(String(error)).toContain("was called in describe 'a describe block'")
  })

  test('useMesh inside of a test is refused', () => {
    expect(thrownBy(() => useMesh(quickShop))).toMatchObject({ code: 'MESH_UNSUPPORTED' })
  })
})

test('the handle can be printed, awaited and asked for its keys', async () => {
  expect(mesh).toMatchObject({ name: 'shop' })
  expect('service' in mesh).toBe(true)
  expect(Object.keys(mesh)).toContain('journal')
  expect(await Promise.resolve(mesh)).toBe(mesh)
})

test('a mesh that the test starts itself is reached in its scope', async () => {
  const own = await startMesh(quickShop.with({ name: 'own shop' }))
  try {
    await own.run(() => checkout(sku, 1))
    expect(own.edge('storefront->orders')).toHaveCallCount(1)
    expect(mesh.edge('storefront->orders')).toHaveCallCount(0)
  } finally {
    await own.stop()
  }
})

describe('the seed', () => {
  const titled: string[] = []
  test('comes from the title', () => void titled.push(mesh.seed))
  test('so another title has another', () => void titled.push(mesh.seed))
  afterAll(() => expect(new Set(titled).size).toBe(2))

  describe('given to useMesh', () => {
    const seeded = useMesh(quickShop, { seed: 42 })
    test('is used', () => {
      expect(seeded.seed).toBe('42')
    })
  })
})
