/** From the start of a process to its first reply; the first seconds after that; and what it takes in memory then. */
import { checked } from '../field.mjs'
import { closedLoop } from '../load.mjs'
import { rssMB } from '../machine.mjs'
import { median, shuffled } from '../measure.mjs'
import { untilAnswered } from '../peers/http.mjs'
import { body, servicesWorld } from '../peers/world.mjs'

export async function starting({ peers, rounds, coldSeconds, log }) {
  const seen = new Map(peers.map(({ id }) => [id, { 1: [], 50: [], cold: [], rss1: [], rss50: [] }]))
  const failed = new Map()
  for (let round = 0; round < rounds; round++)
    for (const peer of shuffled(peers, round)) {
      if (failed.has(peer.id)) continue
      const own = seen.get(peer.id)
      try {
        for (const count of [1, 50]) {
          const world = servicesWorld(count)
          const path = world.services.at(-1).stubs[0].path
          const startedAt = performance.now()
          const instance = await peer.start(world)
          const url = instance.urls.at(-1) + path
          await untilAnswered(url, instance.child)
          own[count].push(performance.now() - startedAt)
          try {
            await checked(url, { body })
            own[`rss${count}`].push(rssMB(instance.pid))
            if (count === 1 && coldSeconds > 0)
              own.cold.push(await closedLoop({ url, connections: 32, seconds: coldSeconds, body }))
          } finally {
            await instance.stop()
          }
        }
      } catch (error) {
        failed.set(peer.id, error.message)
        log(`start: ${peer.name} is left out: ${error.message}`)
      }
    }
  return peers
    .filter(({ id }) => !failed.has(id))
    .map(({ id, name }) => {
      const own = seen.get(id)
      return {
        id,
        name,
        ms1: median(own[1]),
        ms50: median(own[50]),
        rss1: median(own.rss1),
        rss50: median(own.rss50),
        cold: own.cold,
      }
    })
}
