import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/command.mjs'
import { startNodeServer } from './node-server.mjs'

const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'msw', 'package.json'), 'utf8'))

export const msw = {
  id: 'msw',
  name: `MSW ${version} as a server`,
  // Its index of stubs is a list that is asked from the front.
  prepare: async () => undefined,
  start: (world) => startNodeServer('msw.mjs', world),
}
