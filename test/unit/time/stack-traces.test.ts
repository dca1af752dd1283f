import { afterEach, describe, expect, test } from 'vitest'
import { createRandom } from '../../../src/random/random.ts'
import { simulate } from '../../../src/time/simulate.ts'

const { prepareStackTrace } = Error
afterEach(() => {
  Error.prepareStackTrace = prepareStackTrace
})

const draws = (lookAtStack: boolean) =>
  simulate({ random: createRandom('7') }, () => {
    if (lookAtStack) void new Error('looked at').stack
    return [Math.random(), Date.now()]
  })

describe('stack traces in virtual time', () => {
  test('are made outside of it: a runner that sorts its source maps by chance changes nothing', async () => {
    const years: number[] = []
    const asTestRunnersDo = (error: Error) => {
      years.push(new Date().getFullYear())
      return `${error.message} ${Math.random()}`
    }
    Error.prepareStackTrace = asTestRunnersDo
    expect(await draws(true)).toEqual(await draws(false))
    expect(years).toEqual([new Date().getFullYear()])
    expect(Error.prepareStackTrace).toBe(asTestRunnersDo)
  })
})
