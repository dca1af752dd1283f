import { expect as base } from '@playwright/test'
import { expect as plain, test } from 'vitest'
import { matchers } from '../../../matchers/index.ts'
import type { TypedExpect } from './describe-runner.ts'
import { describeRunner, opened } from './describe-runner.ts'

// No cast: that Playwright's types take our matchers is part of what is tested.
const expect = base.extend(matchers)

describeRunner('Playwright', expect as unknown as TypedExpect)

test('Playwright offers a matcher on what it is for only', async () => {
  const history = opened()
  const edge = history.edge('orders->payments')
  const service = history.service('payments')
  expect(edge).toHaveOpenedCircuit({ afterFailures: 2 })
  expect(service).toHaveReceived('POST /charges', { times: 2 })
  await expect(edge).toEventuallyHaveOpenedCircuit({ withinMs: 5 })
  await expect(service).toEventuallyHaveReceived('POST /charges', { times: 2 }, { withinMs: 5 })
  // @ts-expect-error a service has no circuit
  plain(() => expect(service).toHaveOpenedCircuit()).toThrow('expects an edge')
  // @ts-expect-error nor has a number
  plain(() => expect(5).toHaveOpenedCircuit()).toThrow('expects an edge')
  // @ts-expect-error a count cannot be left out
  await plain(expect(edge).toEventuallyHaveCallCount({ withinMs: 5 })).rejects.toThrow('to be an integer')
})
