/**
 * Meshwright on listeners beside other mock servers: same requests, same replies, a processor for the server and one for the
 * load, in turns. See README.md for what is measured and how it is kept fair.
 */
import { closedLoop } from './load.mjs'
import { aboutMachine } from './machine.mjs'
import { median, report } from './measure.mjs'
import { Field } from './field.mjs'
import { peers as everybody } from './peers/index.mjs'
import { body, servicesWorld, stubsWorld } from './peers/world.mjs'
import { atOnce, delayed, delayMs, echo, lastStub, miss } from './scenarios/closed.mjs'
import { fiftyServices } from './scenarios/open.mjs'
import { resetting } from './scenarios/resetting.mjs'
import { starting } from './scenarios/starting.mjs'

const isQuick = process.env.BENCH_QUICK === '1'
const wanted = (process.env.BENCH_PEERS ?? '').split(',').filter(Boolean)
const scenarios = (process.env.BENCH_SCENARIOS ?? '').split(',').filter(Boolean)
const isWanted = (scenario) => scenarios.length === 0 || scenarios.includes(scenario)
const begunAt = performance.now()
const log = (text) => console.error(`  ${((performance.now() - begunAt) / 1_000).toFixed(0).padStart(4)} s  ${text}`)

const many = isQuick ? { rounds: 1, warmSeconds: 0, seconds: 1 } : { rounds: 5, warmSeconds: 2, seconds: 2 }
const some = isQuick ? { rounds: 1, warmSeconds: 0, seconds: 1 } : { rounds: 3, warmSeconds: 1, seconds: 2 }
const warmUp = { java: isQuick ? 2 : 20, node: isQuick ? 1 : 3 }

/** By peer what its rounds gave: the middle, the ends, and the middle of the ratios to the floor in the same round. */
function summary(results) {
  const floor = results.get('bare')
  return everybody
    .filter(({ id }) => results.has(id))
    .map(({ id, name }) => {
      const rounds = results.get(id)
      const of = (pick) => median(rounds.map(pick))
      const rates = rounds.map(({ perSecond }) => perSecond)
      return {
        id,
        name,
        perSecond: of(({ perSecond }) => perSecond),
        least: Math.min(...rates),
        most: Math.max(...rates),
        ofBare: floor && median(rates.map((rate, round) => rate / floor[round].perSecond)),
        p50: of(({ latency }) => latency.p50),
        p99: of(({ latency }) => latency.p99),
        p999: of(({ latency }) => latency.p999 ?? NaN),
        addedP50: floor && median(rounds.map(({ latency }, round) => latency.p50 - floor[round].latency.p50)),
        addedP99: floor && median(rounds.map(({ latency }, round) => latency.p99 - floor[round].latency.p99)),
        serverCpuUs: of(({ serverCpuUs }) => serverCpuUs),
        rssMB: Math.max(...rounds.map(({ rssMB }) => rssMB)),
        bad: rounds.reduce((sum, round) => sum + round.bad, 0),
        asked: rounds.reduce((sum, round) => sum + (round.wanted ?? round.answered), 0),
        hadRoom: rounds.every((round) => round.hadRoom),
        elsewhere: of(({ elsewhere }) => elsewhere),
      }
    })
}

const leftOut = []
const taking = []
for (const peer of everybody.filter(({ id }) => wanted.length === 0 || wanted.includes(id)))
  try {
    await peer.prepare()
    taking.push(peer)
  } catch (error) {
    leftOut.push({ name: peer.name, why: error.message })
    log(`${peer.name} is left out: ${error.message}`)
  }

const results = {
  machine: aboutMachine(),
  leftOut,
  notes: taking.flatMap(({ name, note }) => (note ? [{ name, note }] : [])),
}

if (isWanted('start')) {
  log('starting')
  const starters = taking.filter(({ id }) => id !== 'wiremock-async')
  const started = await starting({ peers: starters, rounds: isQuick ? 1 : 3, coldSeconds: isQuick ? 0 : 3, log })
  results.start = started
  if (!isQuick) results.cold = summary(new Map(started.map(({ id, cold }) => [id, cold])))
}

const field = new Field(log)
try {
  log('starting all, getting warm')
  for (const peer of taking)
    try {
      await field.add(peer, servicesWorld(1), { mostServices: 50 })
    } catch (error) {
      leftOut.push({ name: peer.name, why: error.message })
      log(`${peer.name} is left out: ${error.message}`)
    }
  await field.rounds(
    { name: 'warm-up', world: stubsWorld(1), path: '/things/t0', body, rounds: 1, isFor: () => true },
    ({ url, peer }) => closedLoop({ url, connections: 32, seconds: peer.isJava ? warmUp.java : warmUp.node, body }),
  )
  const measured = async (scenario, name, measure) => {
    if (!isWanted(scenario)) return undefined
    log(name)
    return summary(await measure())
  }
  results.one = await measured('one', 'one stub', () => lastStub(field, 1, many))
  results.among = []
  for (const count of isQuick ? [1_000] : [10, 100, 1_000]) {
    const rows = await measured('among', `the last of ${count} stubs`, () => lastStub(field, count, some))
    if (rows) results.among.push({ count, rows })
  }
  results.miss = await measured('miss', 'a miss', () => miss(field, 1_000, some))
  results.echo = await measured('echo', 'a computed reply', () => echo(field, some))
  results.open = []
  for (const rate of isQuick ? [2_000] : [1_000, 2_000, 4_000]) {
    const options = isQuick ? some : { rounds: 3, warmSeconds: 1, seconds: 2.5 }
    const rows = await measured('open', `50 services, ${rate}/s`, () => fiftyServices(field, rate, options))
    if (rows) results.open.push({ rate, rows })
  }
  results.delayed = await measured('delay', `${delayMs} ms, ${atOnce} at once`, () => delayed(field, some))
  results.delay = { delayMs, atOnce }
  results.reset = []
  if (isWanted('reset'))
    for (const count of [1, 50]) {
      log(`reset of ${count}`)
      const rounds = await resetting(field, count, { rounds: isQuick ? 2 : 5 })
      results.reset.push({
        count,
        rows: everybody
          .filter(({ id }) => rounds.has(id))
          .map(({ id, name }) => ({ id, name, ms: median(rounds.get(id).map(({ ms }) => ms)) })),
      })
    }
} finally {
  await field.stop()
}
results.minutes = (performance.now() - begunAt) / 60_000
report(results)
process.exit(0)
