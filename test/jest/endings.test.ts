import { runJest } from './run-jest.ts'

// Suites that fail on purpose run in a Jest of their own.
test('however a test ends, the next one finds everything in order', async () => {
  const { tests, isOver } = await runJest(['endings'])
  expect(tests).toEqual({
    'throwing fails with its own error': expect.stringMatching(/^Error: own error\n/),
    'throwing leaves order': 'passed',
    'timing out fails by its time limit': expect.stringMatching(
      /Exceeded timeout of 100 ms[^]*1 call was open\n.*client->server {2}GET \/ {2}open for \d+ ms/,
    ),
    'timing out leaves order': 'passed',
    'holding ends although a gate is never released': 'passed',
    'holding leaves order': 'passed',
    'mistakes an undeclared call fails a test that caught its error': expect.stringMatching(
      /"client" called "stranger"[^]*MESH_UNDECLARED_CALL[^]*endings\.case\.ts/,
    ),
    'mistakes the next test is clean': 'passed',
    'mistakes is what test.failing waits for': 'passed',
    'a forgotten await fails the test that forgot it': expect.stringMatching(
      /toEventuallyHaveCallCount\(1\) was not awaited[^]*endings\.case\.ts/,
    ),
    'a forgotten await leaves order': 'passed',
    'a hook that throws fails the test': expect.stringContaining('thrown by the hook'),
    'leaves order after a hook': 'passed',
    'not run skipped': 'pending',
    'not run to be written': 'todo',
  })
  expect(isOver).toBe(true)
})

test('each retry has a fresh mesh', async () => {
  const { tests } = await runJest(['retries'])
  expect(tests).toEqual({
    'passes with the third mesh': 'passed',
    'is tried again after a mistake that only the mesh noticed': 'passed',
  })
})

test('the globals are as before, for the next test and for the next file of the worker', async () => {
  const { tests, isOver } = await runJest(['leak-1', 'leak-2'])
  expect(tests).toEqual({
    'a mesh lives': 'passed',
    'a mesh and simulates, badly': expect.stringContaining('thrown in the simulation'),
    'leaves nothing behind when its test ends': 'passed',
    'an environment leaves nothing behind for the next file of its worker': 'passed',
  })
  expect(isOver).toBe(true)
})
