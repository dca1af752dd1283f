// Plain Node, with the package by its name: prints the hash of the scenario's journal, as often as asked.
//   node determinism-run.mjs [times] [together]
//   node determinism-run.mjs --write    after a change that is meant to change the journal
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import * as meshwright from 'meshwright'

const source = readFileSync(new URL('../support/determinism.ts', import.meta.url), 'utf8')
const { code } = transformSync(source, { loader: 'ts', format: 'esm' })
// Beside the installed packages, because the scenario imports cockatiel by its name.
const cache = new URL('../../node_modules/.cache/meshwright/', import.meta.url)
mkdirSync(cache, { recursive: true })
const file = new URL(`determinism-${process.pid}.mjs`, cache)
writeFileSync(file, code)
const { fortyMinutes } = await import(file.href).finally(() => rmSync(file, { force: true }))

if (process.argv.includes('--write')) {
  const { hash, orders } = await fortyMinutes(meshwright)
  writeFileSync(
    new URL('../support/determinism.json', import.meta.url),
    `${JSON.stringify({ hash, orders }, null, 2)}\n`,
  )
}

const [times = 1, together = 1] = process.argv.slice(2).filter(Number).map(Number)
for (let i = 0; i < times; i += together) {
  const played = await Promise.all(Array.from({ length: together }, () => fortyMinutes(meshwright)))
  for (const { hash, orders } of played) console.log(JSON.stringify({ hash, orders }))
}
