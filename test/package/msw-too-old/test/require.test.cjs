const assert = require('node:assert/strict')
const { test } = require('node:test')

test('require says which msw to install', () => {
  assert.throws(() => require('meshwright'), {
    code: 'MESH_MSW_VERSION',
    message: `The installed msw is too old: it has no \`http\` or no \`getResponse\`.
  Install a supported one: npm install --save-dev msw@^2.12   [MESH_MSW_VERSION]`,
  })
})
