/**
 * The common half of the servers that are ours: told by messages what to be, they answer with their addresses.
 *
 *   { load: world } -> { urls }        as new: the state of before is gone
 *   { report: true } -> what the server says of itself
 *   anything that throws -> { error }
 *
 * @param {{ load(world: object): Promise<string[]>, report?(ask: object): unknown }} server
 */
export function serve({ load, report }) {
  process.on('message', async (message) => {
    try {
      if (message.load) process.send({ urls: await load(message.load) })
      else process.send({ report: await report?.(message.report) })
    } catch (error) {
      process.send({ error: error.stack })
    }
  })
  process.on('disconnect', () => process.exit(0))
}

/** Node's own servers on ports that the system chooses, and how to close them with all their connections. */
export async function listening(servers) {
  const { once } = await import('node:events')
  const urls = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return `http://127.0.0.1:${server.address().port}`
    }),
  )
  const close = () =>
    Promise.all(
      servers.map((server) => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      }),
    )
  return { urls, close }
}
