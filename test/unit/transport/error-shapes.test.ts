import { afterEach, describe, expect, test } from 'vitest'
import { failed, type FailedReply, type NetworkFailure } from '../../../src/call/reply.ts'
import { responseFrom } from '../../../src/transport/fetch-response.ts'
import { openInProcess } from '../../../src/transport/in-process/open.ts'
import { openListener } from '../../../src/transport/listener.ts'
import { clients, type ClientName } from '../../support/clients.ts'
import { errorShapes, shapeOfFailure } from '../../support/error-shapes.ts'
import { fakeDoor } from '../../support/fake-door.ts'

const partial = { status: 200, headers: [['content-type', 'text/plain']] as const, body: Buffer.from('half a ') }
const replies: Record<NetworkFailure, readonly FailedReply[]> = {
  refused: [failed('refused')],
  reset: [failed('reset')],
  closed: [failed('closed')],
  hung: [failed('hung')],
  truncated: [failed('truncated', { partial: { ...partial, declaredLength: 13 } }), failed('truncated', { partial })],
  'reset-mid-body': [
    failed('reset-mid-body', { partial: { ...partial, declaredLength: 13 } }),
    failed('reset-mid-body', { partial }),
  ],
  garbage: [failed('garbage'), failed('garbage', { bytes: Buffer.from("lskdu018973t09sylgasjkfg1][]'./.sdlv") })],
  malformed: [
    failed('malformed', { partial }),
    failed('malformed', { partial: { ...partial, body: Buffer.alloc(0) } }),
  ],
  'going-away': [failed('going-away')],
}

type Failing = (client: ClientName, reply: FailedReply) => Promise<unknown>

const undos: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const undo of undos.splice(0)) await undo()
})

const giveUp = (reply: FailedReply) => (reply.outcome === 'hung' ? AbortSignal.timeout(50) : undefined)

const transports: Record<string, Failing> = {
  'in process': async (client, reply) => {
    const door = fakeDoor({ orders: 'http://orders' })
    door.answer = () => reply
    undos.push(openInProcess(door).close)
    return clients[client]('http://orders/items', giveUp(reply))
  },
  'over a real socket': async (client, reply) => {
    const door = fakeDoor({ orders: 'http://orders' })
    door.answer = () => reply
    const listener = await openListener(door, { caller: 'app', callee: 'orders' })
    undos.push(listener.close)
    if (reply.outcome === 'refused') {
      door.refuse('app->orders', true)
      await listener.settled()
    }
    return clients[client](`${listener.url}/items`, giveUp(reply))
  },
}

for (const [transport, failing] of Object.entries(transports))
  describe(`what clients see ${transport}`, () => {
    for (const outcome of Object.keys(errorShapes) as NetworkFailure[])
      for (const client of Object.keys(clients) as ClientName[])
        test(`${outcome}, ${client}`, async () => {
          for (const reply of replies[outcome])
            expect(await shapeOfFailure(failing(client, reply))).toEqual(errorShapes[outcome][client])
        })
  })

describe('what code inside the mesh sees', () => {
  for (const outcome of Object.keys(errorShapes) as NetworkFailure[])
    if (outcome !== 'hung')
      test(`${outcome}, responseFrom`, async () => {
        const read = async (reply: FailedReply) => (await responseFrom(reply, 'http://orders/items')).text()
        for (const reply of replies[outcome])
          expect(await shapeOfFailure(read(reply))).toEqual(errorShapes[outcome].fetch)
      })
})
