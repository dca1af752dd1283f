import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import * as meshwright from '../../src/index.ts'
import { fortyMinutes } from '../support/determinism.ts'
import type { Api } from '../support/determinism.ts'

// The same package as the built one, which the types cannot know.
const sources = meshwright as unknown as Api

const expected = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'support', 'determinism.json'), 'utf8')) as {
  hash: string
}

/** Plain Node with the built package, without any test runner. */
async function inPlainNode(times: number, together: number): Promise<unknown[]> {
  const { MESHWRIGHT_SEED: _seed, NODE_OPTIONS: _options, ...env } = process.env
  const script = join(import.meta.dirname, 'determinism-run.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(times), String(together)], { env })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

// The same scenario runs in test/jest and test/e2e, and has to give the same journal there.
describe('forty minutes of virtual time', () => {
  test('give the same journal in Vitest', { timeout: 60_000 }, async () => {
    const { hash, orders } = await fortyMinutes(sources)
    expect({ hash, orders }).toEqual(expected)
  })

  test('give the same journal in plain Node, one after the other', { timeout: 60_000 }, async () => {
    expect(await inPlainNode(3, 1)).toEqual(Array(3).fill(expected))
  })

  test('give the same journal four times at once', { timeout: 60_000 }, async () => {
    expect(await inPlainNode(4, 4)).toEqual(Array(4).fill(expected))
  })
})
