import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'

interface Kept {
  readonly path: string
  readonly holders: Set<object>
}

const key = Symbol.for('meshwright/trust')

// Paths stay with the process: a program that was started with the environment of one mesh may live on into the next, and some
// read what they trust at every connection. The files themselves are there while a mesh holds them.
const shared = globalThis as { [key]?: Map<string, Kept> }

/**
 * A file that vouches for the hosts of this certificate's authority; with `world` for those of the world, too, since the
 * variables that name it replace what a program trusts by itself. Only this user may read it. It is there until every holder has
 * released it, or the process exits.
 */
export function trustFile(holder: object, certificate: string, { world }: { world: boolean }): string {
  const files = (shared[key] ??= new Map())
  const name = world ? 'world.pem' : 'ca.pem'
  const id = `${name}\n${certificate}`
  const kept = files.get(id)
  if (kept && kept.holders.size > 0) {
    kept.holders.add(holder)
    return kept.path
  }
  const path = join(folderFor(kept), name)
  const text = world ? [...rootCertificates, ...ownOf(process.env), certificate].join('\n') : certificate
  writeFileSync(path, text, { mode: 0o600, flag: 'wx' })
  files.set(id, { path, holders: new Set([holder]) })
  if (!kept) process.once('exit', () => files.get(id) && remove(files.get(id)!.path))
  return path
}

export function releaseTrust(holder: object): void {
  for (const { path, holders } of shared[key]?.values() ?? [])
    if (holders.delete(holder) && holders.size === 0) remove(path)
}

/** One of its own, because a name that can be guessed in a shared one could be taken by somebody else; the one from before if it is free. */
function folderFor(before: Kept | undefined): string {
  if (!before) return mkdtempSync(join(tmpdir(), 'meshwright-'))
  try {
    const folder = dirname(before.path)
    mkdirSync(folder, { mode: 0o700 })
    return folder
  } catch {
    return mkdtempSync(join(tmpdir(), 'meshwright-'))
  }
}

const remove = (path: string): void => rmSync(dirname(path), { recursive: true, force: true })

/** What this machine was told to trust besides: a company's own authority, say. */
function ownOf(env: NodeJS.ProcessEnv): string[] {
  const paths = new Set([env['SSL_CERT_FILE'], env['NODE_EXTRA_CA_CERTS']].filter(Boolean) as string[])
  return [...paths].flatMap((path) => {
    try {
      return [readFileSync(path, 'utf8')]
    } catch {
      return []
    }
  })
}
