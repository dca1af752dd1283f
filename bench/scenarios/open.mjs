/** Fifty services, so many requests per second in total, each at its moment. */
import { openLoop } from '../load.mjs'
import { body, servicesWorld } from '../peers/world.mjs'

export const fiftyServices = (field, rate, { rounds, warmSeconds, seconds }) => {
  const world = servicesWorld(50)
  const scenario = {
    name: `50 services, ${rate}/s`,
    world,
    path: world.services[0].stubs[0].path,
    body,
    rounds,
    warmSeconds,
  }
  return field.rounds(scenario, ({ urls }) =>
    openLoop({
      urls: urls.map((url, i) => url + world.services[i].stubs[0].path),
      connections: 100,
      rate,
      seconds,
      warmSeconds: 0.5,
      body,
    }),
  )
}
