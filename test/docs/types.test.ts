import { execFile } from 'node:child_process'
import { join } from 'node:path'
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
  sourcePaths,
} from './workspace.ts'

const workspace = createWorkspace('by name')
afterAll(() => removeWorkspace(workspace.folder))

test('all code of the documentation, and the tests of it, type-check', async () => {
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
  workspace.write(
    'tsconfig.json',
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: {
        module: 'esnext',
        moduleResolution: 'bundler',
        noEmit: true,
        noUnusedLocals: false,
        noUnusedParameters: false,
        types: ['node', 'jest'],
        paths: sourcePaths,
      },
      include: ['./**/*.ts', '../../test/docs/**/*.ts'],
      exclude: ['./node_modules'],
    }),
  )
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const output = await promisify(execFile)(process.execPath, [tsc, '-p', workspace.folder, '--pretty', 'false'], {
    cwd: workspace.folder,
  }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  )
  const withPlaces = output.replace(/^([^\s(]+)\(/gm, (all, file: string) =>
    places.has(file) ? `${places.get(file)} = ${file}(` : all,
  )
  expect(withPlaces).toBe('')
}, 60_000)
