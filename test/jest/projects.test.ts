import { runJest } from './run-jest.ts'

// Projects of other kinds than this one.
test('the environment is found by the name of the package', async () => {
  expect((await runJest(['docblock'])).tests).toEqual({
    'the environment is found by the name of the package': 'passed',
  })
})

test('without the environment, useMesh says what is missing', async () => {
  expect((await runJest(['no-environment'])).tests).toEqual({ 'useMesh says what is missing': 'passed' })
})

test('testEnvironmentOptions.meshwright are the defaults', async () => {
  expect((await runJest(['options'])).tests).toEqual({
    'of the environment are the defaults': 'passed',
  })
})

test('a misspelt option fails the file and names the right one', async () => {
  const { tests, messages } = await runJest(['wrong-options'])
  expect(tests).toEqual({})
  expect(messages).toContain('there is no option `sead`. Did you mean "seed"?')
})

test("withMesh gives a user's own environment meshes and, where it lacks one, fetch", async () => {
  expect((await runJest(['own-environment'])).tests).toEqual({
    'has a mesh, and fetch': 'passed',
    'may mock fetch': 'passed',
    'makes a mistake': expect.stringContaining('MESH_UNDECLARED_CALL'),
    'the base hears each event, with the errors that a mesh adds': 'passed',
  })
})

test("a project of ES modules has the front door's names, and may have an MSW of its own", async () => {
  const { tests } = await runJest(['esm'], { nodeOptions: '--experimental-vm-modules' })
  expect(tests).toEqual({
    'the names of the front door can be imported': 'passed',
    "the user's own MSW works beside the mesh with fetch": 'passed',
    "the user's own MSW works beside the mesh with http": 'passed',
  })
})
