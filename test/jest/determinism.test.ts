import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as meshwright from 'meshwright'
import { fortyMinutes } from '../support/determinism.ts'

const expected = JSON.parse(readFileSync(join(__dirname, '..', 'support', 'determinism.json'), 'utf8')) as {
  hash: string
}

// The same scenario runs in test/mesh and test/e2e, and has to give the same journal there.
delete process.env.MESHWRIGHT_SEED

test('forty minutes of virtual time give the same journal in Jest', async () => {
  const { hash, orders } = await fortyMinutes(meshwright)
  expect({ hash, orders }).toEqual(expected)
})

test('beside others, too', async () => {
  const played = await Promise.all([1, 2, 3, 4].map(() => fortyMinutes(meshwright)))
  expect(played.map(({ hash }) => hash)).toEqual(Array(4).fill(expected.hash))
})
