/**
 * All peers at once, one at a time at work: the others are halted, so that rounds can take turns without anybody having to
 * start anew. Before each turn a peer is as new: same stubs, nothing written down.
 */
import { ask, untilAnswered } from './peers/http.mjs'
import { closedLoop } from './load.mjs'
import { busySeconds, cpuSeconds, halt, resume, rssMB } from './machine.mjs'
import { shuffled } from './measure.mjs'

/**
 * One reply before the load: whether it is what everybody else answers.
 *
 * @returns bytes of its head
 */
export async function checked(url, { status = 200, body, isMissed }) {
  const answer = await ask(url)
  // What no stub takes, each answers in its own way.
  if (isMissed) {
    if (answer.status < 400) throw new Error(`${url} answers ${answer.status} where it has no stub`)
    return answer
  }
  const { 'content-type': type = 'none' } = answer.headers
  if (answer.status !== status || answer.body !== body || !type.startsWith('application/json'))
    throw new Error(`${url} answers ${answer.status} ${type} ${answer.body.slice(0, 100)}, expected ${status} ${body}`)
  return answer
}

export class Field {
  #runners = new Map()
  #log

  constructor(log) {
    this.#log = log
  }

  async add(peer, world, options) {
    const instance = await peer.start(world, options)
    try {
      await untilAnswered(instance.urls.at(-1) + world.services.at(-1).stubs.at(-1).path, instance.child)
    } catch (error) {
      await instance.stop()
      throw error
    }
    this.#runners.set(peer.id, { peer, instance, loaded: undefined })
    halt(instance)
  }

  async stop() {
    for (const { instance } of this.#runners.values()) await instance.stop()
    this.#runners.clear()
  }

  /**
   * `measure({ peer, urls, url, answer, reload })` for each peer in each round, in another order each round.
   *
   * @param {{ name: string, world: object, path: string, rounds: number, isFor?: (peer: object) => boolean,
   *   warmSeconds?: number, connections?: number, status?: number, body?: string }} scenario `warmSeconds` (whole ones) of
   *   closed loop come before the first measurement of each and do not count.
   * @returns a list for each peer, by its id; a peer that fails is left out of the scenario, with the reason logged
   */
  async rounds(scenario, measure) {
    const { name, rounds, isFor = ({ id }) => id !== 'wiremock-async' } = scenario
    const results = new Map()
    const failed = new Map()
    for (let round = 0; round < rounds; round++)
      for (const runner of shuffled(
        [...this.#runners.values()].filter(({ peer }) => isFor(peer)),
        round,
      )) {
        const { id } = runner.peer
        if (failed.has(id)) continue
        try {
          const result = await this.#turn(runner, scenario, measure)
          if (results.has(id)) results.get(id).push(result)
          else results.set(id, [result])
        } catch (error) {
          failed.set(id, error.message)
          this.#log(`${name}: ${runner.peer.name} is left out: ${error.message}`)
        } finally {
          halt(runner.instance)
        }
      }
    for (const id of failed.keys()) results.delete(id)
    return results
  }

  async #turn(runner, scenario, measure) {
    const { peer, instance } = runner
    const { world, path, warmSeconds = 0, connections = 32, status, body } = scenario
    resume(instance)
    const isNew = runner.loaded !== world
    if (isNew || !peer.keepsLittle) await instance.load(world)
    runner.loaded = world
    const url = instance.urls[0] + path
    const answer = await checked(url, { status, body, isMissed: world.isMissed })
    if (isNew && warmSeconds > 0) {
      // A peer that had to start anew for these stubs has to get warm again.
      const seconds = peer.keepsLittle ? warmSeconds + 2 : warmSeconds
      await closedLoop({ url, connections, seconds, status: answer.status })
    }
    const busy = busySeconds()
    const cpu = cpuSeconds(instance.pid)
    const startedAt = performance.now()
    const reload = async () => {
      await instance.load(world)
      return instance
    }
    const result = await measure({ peer, urls: instance.urls, url, answer, reload })
    const seconds = (performance.now() - startedAt) / 1_000
    const own = cpuSeconds(instance.pid) - cpu
    return {
      ...result,
      serverCpuUs: (own / (result.askedInAll ?? result.answered)) * 1e6,
      rssMB: rssMB(instance.pid),
      // In processors: what neither the server nor the generator took.
      elsewhere: Math.max(0, busy() / seconds - own / seconds - (result.processShare ?? result.cpuShare)),
    }
  }
}
