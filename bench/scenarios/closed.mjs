/** Scenarios of the kind "as many as it can": some connections, each asking again when it has its answer. */
import { closedLoop } from '../load.mjs'
import { body, echoWorld, slowWorld, stubsWorld } from '../peers/world.mjs'

const run = (field, scenario, { seconds, connections = 32 }) =>
  field.rounds({ connections, ...scenario }, ({ url, answer }) =>
    closedLoop({ url, connections, seconds, status: answer.status, body: scenario.body }),
  )

/** The last of so many stubs. */
export const lastStub = (field, count, { rounds, warmSeconds, seconds }) =>
  run(
    field,
    { name: `${count} stubs`, world: stubsWorld(count), path: `/things/t${count - 1}`, body, rounds, warmSeconds },
    { seconds },
  )

/** What none of so many stubs takes. */
export const miss = (field, count, { rounds, warmSeconds, seconds }) =>
  run(
    field,
    { name: `miss of ${count}`, world: stubsWorld(count, true), path: '/things/none', rounds, warmSeconds },
    { seconds },
  )

export const echo = (field, { rounds, warmSeconds, seconds }) =>
  run(field, { name: 'echo', world: echoWorld, path: '/items/7', body: '{"id":"7"}', rounds, warmSeconds }, { seconds })

export const delayMs = 100
export const atOnce = 200

/** A delay costs no work: how many can wait at a time? */
export const delayed = (field, { rounds, warmSeconds, seconds }) =>
  run(
    field,
    { name: 'delay', world: slowWorld(delayMs), path: '/slow', body, rounds, warmSeconds, isFor: () => true },
    { seconds, connections: atOnce },
  )
