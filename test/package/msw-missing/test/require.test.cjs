const assert = require('node:assert/strict')
const { test } = require('node:test')

test('require says what to install', () => {
  assert.throws(
    () => require('meshwright'),
    (error) => {
      assert.equal(error.code, 'MESH_MSW_MISSING')
      assert.equal(
        error.message,
        `meshwright needs the package "msw" and cannot load it.
  Cannot find module 'msw'
  Install it next to meshwright: npm install --save-dev msw   [MESH_MSW_MISSING]`,
      )
      assert.equal(error.cause.code, 'MODULE_NOT_FOUND')
      return true
    },
  )
})

test('the matchers need no msw', () => {
  const { matchers } = require('meshwright/matchers')
  assert.equal(typeof matchers.toHaveOpenedCircuit, 'function')
})
