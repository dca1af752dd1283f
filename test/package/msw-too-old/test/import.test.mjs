import assert from 'node:assert/strict'
import { test } from 'node:test'

test('import says which msw to install', async () => {
  await assert.rejects(import('meshwright'), {
    code: 'MESH_MSW_VERSION',
    message: `The installed msw is too old: it has no \`http\` or no \`getResponse\`.
  Install a supported one: npm install --save-dev msw@^2.12   [MESH_MSW_VERSION]`,
  })
})
