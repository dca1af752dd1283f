/**
 * Type-checks what imports Meshwright by its name: the type tests, the Jest and Playwright suites, the examples. They see
 * dist, as a consumer does, so each is a project of its own. Prints one line for each project.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bin, root, run } from './command.mjs'

const folders = (path) =>
  existsSync(join(root, path))
    ? readdirSync(join(root, path), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => `${path}/${entry.name}`)
    : []

/** A project without files is not an error of types; tsc calls it one (TS18003). */
const isEmpty = (output) => /error TS18003/.test(output)

function projects() {
  const inFolders = ['test/types', ...folders('test/types'), ...folders('examples')]
  return ['tsconfig.runners.json', ...inFolders.map((folder) => `${folder}/tsconfig.json`)].filter((file) =>
    existsSync(join(root, file)),
  )
}

/** @returns {Promise<{ project: string, ok: boolean }[]>} */
export async function checkTypes() {
  const results = []
  for (const project of projects()) {
    const { code, output, timedOut } = await run(bin('tsc'), ['-p', project, '--noEmit', '--pretty', 'false'], {
      limitMs: 120_000,
      quiet: true,
    })
    if (isEmpty(output)) continue
    const ok = code === 0
    results.push({ project, ok })
    const errors = output.match(/error TS\d+/g)?.length ?? 0
    console.log(`types: ${project}  ${ok ? 'ok' : timedOut ? 'not done within 2 minutes' : `${errors} errors`}`)
    if (!ok) console.log(output.trimEnd())
  }
  return results
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = await checkTypes()
  if (results.some(({ ok }) => !ok)) process.exitCode = 1
}
