import { useMesh } from 'meshwright/jest'
import { checkout } from './checkout.ts'
import { quickShop } from './shop.mesh.ts'

const mesh = useMesh(quickShop)
const seeds = new Set<string>()

// Each test places a number of orders of its own while the others place theirs.
for (let orders = 1; orders <= 6; orders++)
  test.concurrent(`${orders} orders at the same time as others`, async () => {
    seeds.add(mesh.seed)
    if (orders % 2 === 0) mesh.chaos.outage('payments')
    for (let i = 0; i < orders; i++)
      expect(await checkout('XYZ123', orders)).toMatchObject({ status: orders % 2 === 0 ? 202 : 200 })
    expect(mesh.edge('storefront->orders')).toHaveCallCount(orders)
    const quantities = mesh.service('orders').requests.map(({ body }) => (body as { quantity: number }).quantity)
    expect(quantities).toEqual(Array.from({ length: orders }, () => orders))
  })

test.concurrent('requests on one keep-alive connection go to the mesh of their test', async () => {
  await Promise.all(Array.from({ length: 4 }, () => checkout('XYZ123', 7)))
  expect(mesh.edge('storefront->orders')).toHaveCallCount(4)
})

afterAll(() => {
  // The seed is derived from the test's title.
  expect(seeds.size).toBe(6)
})
