/**
 * Compiles src, fixtures and matchers into dist/esm and dist/cjs.
 *
 * tsc writes beside dist; only when both passes succeeded, changed files are moved in one by one and stale ones are
 * removed. So a failing build changes nothing, and whoever reads dist meanwhile never finds half a file.
 */
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bin, cacheFolder, root, run } from './command.mjs'

const dist = join(root, 'dist')
const stamp = join(cacheFolder, 'build.json')
const sourceFolders = ['src', 'fixtures', 'matchers']
const settings = ['tsconfig.base.json', 'tsconfig.esm.json', 'tsconfig.cjs.json', 'scripts/build.mjs']

const filesUnder = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
    : []

function hashOfSources() {
  const hash = createHash('sha256')
  // The compiler's version is part of the input: an update has to build again.
  const compiler = join(root, 'node_modules', 'typescript', 'package.json')
  const files = [
    ...settings.map((name) => join(root, name)),
    ...sourceFolders.flatMap((f) => filesUnder(join(root, f))),
  ]
  for (const file of [compiler, ...files])
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

/** Whether dist is what the present sources compile to: by content, because a checkout changes times. */
export function isFresh() {
  try {
    const { sources, outputs } = JSON.parse(readFileSync(stamp, 'utf8'))
    return sources === hashOfSources() && outputs.every((name) => existsSync(join(dist, name)))
  } catch {
    return false
  }
}

/**
 * src/msw.ts imports msw statically, so that its types and its tests stay plain. Published, a missing msw has to be a
 * MeshError that says what to install instead of a resolution error from the inside of this package.
 */
const mswImports = {
  esm: [["import * as installed from 'msw';", "const installed = await import('msw').catch(mswMissing);"]],
  cjs: [
    ['const installed = __importStar(require("msw"));\n', ''],
    [
      'const errors_ts_1 = require("./errors.js");\n',
      `const errors_ts_1 = require("./errors.js");
let installed;
try {
    installed = __importStar(require("msw"));
}
catch (cause) {
    mswMissing(cause);
}
`,
    ],
  ],
}

function explainMissingMsw(work) {
  for (const [format, replacements] of Object.entries(mswImports)) {
    const file = join(work, format, 'src', 'msw.js')
    let code = readFileSync(file, 'utf8')
    for (const [from, to] of replacements) {
      if (!code.includes(from)) throw new Error(`${format}/src/msw.js has no line ${from.trim()}; see mswImports`)
      code = code.replace(from, to)
    }
    writeFileSync(file, code)
  }
}

function move(from, to) {
  try {
    renameSync(from, to)
  } catch (error) {
    // node_modules is a mount of its own in some containers; a rename does not cross it.
    if (error.code !== 'EXDEV') throw error
    copyFileSync(from, `${to}.part`)
    renameSync(`${to}.part`, to)
  }
}

function moveIn(from) {
  const outputs = filesUnder(from).map((file) => relative(from, file))
  for (const name of outputs) {
    const target = join(dist, name)
    if (existsSync(target) && readFileSync(target).equals(readFileSync(join(from, name)))) continue
    mkdirSync(dirname(target), { recursive: true })
    move(join(from, name), target)
  }
  const wanted = new Set(outputs)
  for (const file of filesUnder(dist)) if (!wanted.has(relative(dist, file))) rmSync(file, { force: true })
  removeEmptyFolders(dist)
  return outputs
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name))
  if (readdirSync(folder).length === 0) rmdirSync(folder)
}

/** @throws with the number of errors when a pass does not compile; tsc has printed them then. */
export async function build() {
  const sources = hashOfSources()
  const work = join(cacheFolder, `build-${process.pid}`)
  try {
    for (const format of ['esm', 'cjs']) {
      const { code, output, timedOut } = await run(
        bin('tsc'),
        ['-p', `tsconfig.${format}.json`, '--outDir', join(work, format), '--pretty', 'false'],
        { limitMs: 180_000 },
      )
      const errors = output.match(/error TS\d+/g)?.length ?? 0
      if (timedOut) throw new Error(`tsc -p tsconfig.${format}.json did not end within 3 minutes`)
      if (code !== 0) throw new Error(`tsc -p tsconfig.${format}.json failed with ${errors} errors; dist is unchanged`)
    }
    writeFileSync(join(work, 'cjs', 'package.json'), '{ "type": "commonjs" }\n')
    explainMissingMsw(work)
    const outputs = moveIn(work)
    writeFileSync(stamp, JSON.stringify({ sources, outputs }))
    return outputs.length
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const startedAt = performance.now()
    const count = await build()
    console.log(`build: ${count} files in dist, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  } catch (error) {
    console.error(`build: ${error.message}`)
    process.exitCode = 1
  }
}
