/**
 * A worker of a test runner: starts a mesh at the gateway of its environment, injects the fault that it is told, and sends
 * orders to the system under test. What each order gave, and what its mesh has seen, goes to the parent.
 */
const { defineMesh, http, HttpResponse, startMesh } = await import(process.env.MESHWRIGHT_BUNDLE)

const shop = defineMesh({
  name: 'shop',
  services: {
    orders: { underTest: true, calls: { payments: {} } },
    payments: { handlers: [http.post('/charges', () => HttpResponse.json({ by: process.env.WORKER }))] },
  },
})
const mesh = await startMesh(shop)

const tasks = {
  fault: ([kind, ...options]) => void mesh.chaos[kind](...options),
  orders: (ids) =>
    Promise.all(
      ids.map(async (id) => {
        const response = await fetch(`${process.env.SUT_URL}/orders?${id}`, { method: 'POST', headers: mesh.headers() })
        return { status: response.status, ...(await response.json()) }
      }),
    ),
  seen: () => mesh.journal.where({ type: 'call.started' }).map(({ path }) => path.split('?')[1]),
  stop: async () => {
    await mesh.stop()
    return mesh.problems.map(({ message }) => message)
  },
}
process.on('message', async ({ id, task, input }) => process.send({ id, result: await tasks[task](input) }))
process.send('ready')
