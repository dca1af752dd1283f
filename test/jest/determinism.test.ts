import * as meshwright from 'meshwright'
import expected from '../support/determinism.json'
import { fortyMinutes } from '../support/determinism.ts'

// The same scenario runs in test/mesh and test/e2e, and has to give the same journal there.
delete process.env.MESHWRIGHT_SEED

test('forty minutes of virtual time give the same journal in Jest', async () => {
  const { hash, orders } = await fortyMinutes(meshwright)
  expect({ hash, orders }).toEqual(expected)
})

test.concurrent.each([1, 2])('beside others, too (%i)', async () => {
  const { hash } = await fortyMinutes(meshwright)
  expect(hash).toBe(expected.hash)
})
