import assert from 'node:assert/strict'
import { test } from 'node:test'

test('import says what to install', async () => {
  await assert.rejects(import('meshwright'), (error) => {
    assert.equal(error.code, 'MESH_MSW_MISSING')
    assert.equal(
      error.message.replace(/imported from .*/, 'imported from …'),
      `meshwright needs the package "msw" and cannot load it.
  Cannot find package 'msw' imported from …
  Install it next to meshwright: npm install --save-dev msw   [MESH_MSW_MISSING]`,
    )
    assert.equal(error.cause.code, 'ERR_MODULE_NOT_FOUND')
    return true
  })
})

test('the matchers need no msw', async () => {
  const { matchers } = await import('meshwright/matchers')
  assert.equal(typeof matchers.toHaveOpenedCircuit, 'function')
})
