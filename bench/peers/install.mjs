/** Peers come into a folder outside of the repository, when they are measured for the first time. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../scripts/command.mjs'

/** `MESHWRIGHT_BENCH_PEERS` names another place, one that outlives a restart of the machine for example. */
export const peersFolder = process.env.MESHWRIGHT_BENCH_PEERS || join(tmpdir(), 'meshwright-bench-peers')

const versionIn = (folder, name) => {
  try {
    return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version
  } catch {
    return undefined
  }
}

/**
 * The folder of a package of exactly this version.
 *
 * @throws when it is not there and cannot be had
 */
export async function installed(name, version) {
  // One folder each: what one peer depends on is no business of another.
  const folder = join(peersFolder, name.replace(/[^\w.-]+/g, '-'))
  const home = join(folder, 'node_modules', name)
  if (versionIn(folder, name) === version) return home
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', `${name}@${version}`]
  const { code, output } = await run('npm', args, { cwd: folder, limitMs: 240_000, quiet: true })
  if (code !== 0 || versionIn(folder, name) !== version)
    throw new Error(
      `npm could not install ${name}@${version}${/npm error code (\w+)/.exec(output)?.[1].replace(/^/, ': ') ?? ''}`,
    )
  return home
}
