import { startNodeServer } from './node-server.mjs'

export const bare = {
  id: 'bare',
  name: 'bare node:http',
  prepare: async () => undefined,
  start: (world) => startNodeServer('bare.mjs', world),
}
