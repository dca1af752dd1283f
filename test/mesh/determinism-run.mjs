// Plain Node, with the package by its name: prints the hash of the scenario's journal, as often as asked.
//   node determinism-run.mjs [times] [together]
//   node determinism-run.mjs --write    after a change that is meant to change the journal
import { readFileSync, writeFileSync } from 'node:fs'
import { transformSync } from 'esbuild'
import * as meshwright from 'meshwright'

const source = readFileSync(new URL('../support/determinism.ts', import.meta.url), 'utf8')
const { code } = transformSync(source, { loader: 'ts', format: 'esm' })
const { fortyMinutes } = await import(`data:text/javascript,${encodeURIComponent(code)}`)

if (process.argv.includes('--write')) {
  const { hash, orders } = await fortyMinutes(meshwright)
  const file = new URL('../support/determinism.json', import.meta.url)
  writeFileSync(file, `${JSON.stringify({ hash, orders }, null, 2)}\n`)
}

const [times = 1, together = 1] = process.argv.slice(2).filter(Number).map(Number)
for (let i = 0; i < times; i += together) {
  const played = await Promise.all(Array.from({ length: together }, () => fortyMinutes(meshwright)))
  for (const { hash, orders } of played) console.log(JSON.stringify({ hash, orders }))
}
