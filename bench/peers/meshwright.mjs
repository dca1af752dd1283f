import { startNodeServer } from './node-server.mjs'

export const meshwright = {
  id: 'meshwright',
  name: 'Meshwright',
  prepare: async () => undefined,
  start: (world) => startNodeServer('meshwright.mjs', world),
}
