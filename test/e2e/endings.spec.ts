import { expect, test } from '@playwright/test'
import { knock, runCases } from './cases.ts'
import type { CasesRun } from './cases.ts'

const urls = (run: CasesRun) =>
  run
    .leftNames()
    .filter((name) => name.startsWith('url '))
    .map((name) => String(run.left(name)))

// Browsers and workers start and end here, on whatever machine.
test.setTimeout(90_000)

/** What each worker found changed at its end, compared with its start. */
const changes = (run: CasesRun) =>
  run
    .leftNames()
    .filter((name) => name.startsWith('globals-'))
    .map((name) => run.left(name))

test('however a test ends, its mesh is stopped', async () => {
  const run = await runCases({ projects: ['endings'] })
  expect(run.tests.map(({ title, status, ok }) => `${title}: ${status}${ok ? '' : ', not ok'}`)).toEqual([
    'passes: passed',
    'the globals are as before, and the port is closed: passed',
    'is expected to fail: failed',
    'so they are after a test that failed as expected: passed',
    'simulates: passed',
    'forgets an await: failed, not ok',
    'throws: failed, not ok',
    'times out in a call that hangs: timedOut, not ok',
    'times out in a page whose call hangs: timedOut, not ok',
    'times out in a simulation: timedOut, not ok',
  ])
  expect(run.errors).toEqual([])
  expect(urls(run)).toHaveLength(8)
  for (const url of urls(run)) expect(await knock(url)).toBe('ECONNREFUSED')
  // One worker for what goes well, and one more after each of the first four that do not.
  expect(changes(run)).toEqual([[], [], [], [], []])
  expect(run.test('forgets an await').errors.join()).toContain(
    'expect(edge app->orders).toEventuallyHaveCallCount(1) was not awaited',
  )
  expect(run.test('times out in a call that hangs').errors.join()).toMatch(
    /1 call was open\n.*app->orders {2}GET \/orders/,
  )
  expect(run.test('times out in a page whose call hangs').errors.join()).toContain('net::ERR_CONNECTION_CLOSED')
})

test('so it is when the run is interrupted', async () => {
  const run = await runCases({
    projects: ['interrupted'],
    interruptWhen: ({ leftNames }) => leftNames().includes('ready'),
  })
  expect(run.tests.map(({ status }) => status)).toEqual(['interrupted'])
  expect(urls(run)).toHaveLength(1)
  for (const url of urls(run)) expect(await knock(url)).toBe('ECONNREFUSED')
  expect(changes(run)).toEqual([[]])
  expect(() => process.kill(run.left('ready') as number, 0)).toThrow('ESRCH')
})
