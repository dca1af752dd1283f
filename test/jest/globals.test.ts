import { expect, test } from '@jest/globals'
import { useMesh } from 'meshwright/jest'
import { checkout } from './checkout.ts'
import { quickShop } from './shop.mesh.ts'

const mesh = useMesh(quickShop)

test("the matchers are on the expect of '@jest/globals', with their types", async () => {
  await checkout('XYZ123', 1)
  expect(mesh.edge('orders->payments')).toHaveCallCount(1)
  expect(mesh.edge('orders->payments')).not.toHaveTimedOut()
  await expect(mesh.service('payments')).toEventuallyHaveReceived('POST /charges', { withinMs: 500 })
  // @ts-expect-error there is no such edge
  expect(() => mesh.edge('orders->storefront')).toThrow(/No edge|does not call|MESH_UNKNOWN_EDGE/)
})
