import { execFile } from 'node:child_process'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { blocks, root, titleOf } from './pages.ts'
import {
  createWorkspace,
  isFile,
  isSnippet,
  moduleOf,
  modules,
  pathOf,
  removeWorkspace,
  snippetFile,
} from './workspace.ts'

const workspace = createWorkspace('by name')
afterAll(() => removeWorkspace(workspace.folder))

/** What tsc has to say of a project. */
async function errorsOf(project: string): Promise<string> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return promisify(execFile)(process.execPath, [tsc, '-p', project, '--pretty', 'false'], { cwd: root }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  )
}

const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false, types: ['node', 'jest'] }

test('all code of the documentation type-checks against what was built', async () => {
  for (const { path, code } of modules()) workspace.write(path, code)
  const places = new Map<string, string>()
  for (const block of blocks.filter(isSnippet)) {
    workspace.write(snippetFile(block), moduleOf(block))
    places.set(snippetFile(block), titleOf(block))
  }
  for (const block of blocks.filter((one) => isFile(one) && one.does !== 'module')) {
    const folder = `${block.does}-${block.with}`
    for (const { path, code } of modules()) workspace.write(`${folder}/${path}`, code)
    workspace.write(`${folder}/${pathOf(block)}`, block.code)
    places.set(`${folder}/${pathOf(block)}`, titleOf(block))
  }
  const project = workspace.write(
    'tsconfig.json',
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: { ...compilerOptions, module: 'esnext', moduleResolution: 'bundler' },
      include: ['./**/*.ts'],
      exclude: ['./node_modules', './tests'],
    }),
  )
  const errors = (await errorsOf(project)).replace(/^([^\s(]+)\(/gm, (all, path: string) => {
    const file = relative(workspace.folder, join(root, path))
    return places.has(file) ? `${places.get(file)} = ${file}(` : all
  })
  expect(errors).toBe('')
}, 60_000)

test('the tests of the documentation type-check', async () => {
  const project = workspace.write(
    'tests/tsconfig.json',
    JSON.stringify({
      extends: '../../../tsconfig.base.json',
      compilerOptions: { ...compilerOptions, noUnusedLocals: true, module: 'nodenext', moduleResolution: 'nodenext' },
      include: ['../../../test/docs/**/*.ts'],
    }),
  )
  expect(await errorsOf(project)).toBe('')
}, 60_000)
