/** From one test to the next: a clean state with the same stubs, up to the first reply from it. */
import { untilAnswered } from '../peers/http.mjs'
import { servicesWorld } from '../peers/world.mjs'

export function resetting(field, count, { rounds }) {
  const world = servicesWorld(count)
  const [first] = world.services[0].stubs
  const path = world.services.at(-1).stubs[0].path
  return field.rounds(
    { name: `reset of ${count}`, world, path: first.path, body: first.body, rounds },
    async ({ reload }) => {
      const startedAt = performance.now()
      const { urls, child } = await reload()
      await untilAnswered(urls.at(-1) + path, child)
      return { ms: performance.now() - startedAt, answered: 1, cpuShare: 0, hadRoom: true }
    },
  )
}
