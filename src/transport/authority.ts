import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { SecureContext } from 'node:tls'
import { MeshError } from '../errors.ts'
import type { Issuer } from './certificates.ts'
import { newRoot, sharedRoot } from './root-certificate.ts'
import type { Root } from './root-certificate.ts'

export interface Credentials {
  readonly cert: string
  readonly key: string
}

/** A certificate authority that the mesh's addresses show certificates of. */
export interface Authority {
  /** Its own certificate, PEM: what clients are to trust. */
  readonly certificate: string
  /**
   * For a server that answers as this host, a name or an address. `localhost`, 127.0.0.1 and ::1 have one certificate in
   * common; what is no host at all gets that one. The 256 that were used last are kept.
   */
  contextFor(host: string): SecureContext
  /** The same as PEM texts: certificate (with its chain) and private key. */
  credentialsFor(host: string): Credentials
}

const hostLimit = 256
const loopback: readonly string[] = ['localhost', '127.0.0.1', '::1']
/** Names as they can stand in a certificate. International ones come in their ASCII form over the wire. */
const dnsName = /^(?=.{1,253}$)[a-z0-9_*]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$/i

export interface AuthorityOptions {
  readonly from?: string | undefined
  readonly root?: Root
}

/**
 * Makes an authority: a new one (of this `root`), valid for a year, or the one in the PEM file (certificate and private key) that `from`
 * names. The code for certificates is loaded here, when somebody needs one.
 *
 * @throws MeshError MESH_INVALID_OPTION when the file cannot be read or used.
 */
export async function createAuthority({ from, root = newRoot() }: AuthorityOptions = {}): Promise<Authority> {
  const [{ issuerFrom, leafFor, newLeafKey }, { createSecureContext }] = await Promise.all([
    import('./certificates.ts'),
    import('node:tls'),
  ])
  const { certificate, key, chain }: Issuer & { chain?: readonly string[] } =
    from === undefined ? root : readIssuer(from, issuerFrom)
  const pem = certificate.toString()
  // Clients have the root; what stands between it and the leaves has to be sent along.
  const above = certificate.issuer === certificate.subject ? [] : [pem, ...(chain ?? [])]
  const leafKey = newLeafKey()
  const kept = new Map<string, Credentials & { context?: SecureContext }>()

  const credentialsFor = (host: string) => {
    const names = namesOf(host)
    const [name] = names as [string]
    const credentials = kept.get(name) ?? {
      key: leafKey.pem,
      cert: [leafFor(names, leafKey.publicKey, { certificate, key }), ...above].join('\n'),
    }
    // Put at the end again, so that the first is the one that nobody asked for the longest.
    kept.delete(name)
    kept.set(name, credentials)
    if (kept.size > hostLimit) kept.delete(kept.keys().next().value!)
    return credentials
  }
  return {
    certificate: pem,
    credentialsFor,
    contextFor(host) {
      const credentials = credentialsFor(host)
      return (credentials.context ??= createSecureContext({ key: credentials.key, cert: credentials.cert }))
    },
  }
}

/** The names that a certificate for this host bears. */
function namesOf(host: string): readonly string[] {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  if (loopback.includes(name) || !(isIP(name) || dnsName.test(name))) return loopback
  return [name]
}

function readIssuer<T>(path: string, parse: (pem: string) => T): T {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new MeshError(
      'MESH_INVALID_OPTION',
      `MESHWRIGHT_CA: cannot use "${path}" as a certificate authority: ${(error as Error).message}`,
      {
        fix: 'Name a PEM file with the certificate of an authority and its private key, without a passphrase.',
        cause: error,
      },
    )
  }
}

interface Shared {
  readonly from: string | undefined
  readonly authority: Promise<Authority>
}

const symbol = Symbol.for('meshwright/authority')
const shared = globalThis as { [symbol]?: Shared }

/**
 * The authority of this process, made when it is first asked for: the one that `MESHWRIGHT_CA` names, else a new one.
 *
 * It outlives meshes on purpose, and both copies of the package have it in common: clients read what they trust once, when
 * they start, so a server under test that is started for a whole file of tests could not trust the next mesh otherwise.
 * It holds a key pair and certificates, no handle that would have to be closed.
 */
export function sharedAuthority(): Promise<Authority> {
  const from = process.env['MESHWRIGHT_CA'] || undefined
  const known = shared[symbol]
  if (known && known.from === from) return known.authority
  const authority = createAuthority(from === undefined ? { root: sharedRoot() } : { from })
  const made: Shared = { from, authority }
  shared[symbol] = made
  authority.catch(() => {
    if (shared[symbol] === made) delete shared[symbol]
  })
  return authority
}

/**
 * What clients of this process's authority are to trust. There at once, as long as none is named by `MESHWRIGHT_CA`: the rest of
 * the authority is made when the first client greets with TLS.
 */
export function sharedTrust(): Trust | Promise<Trust> {
  if (process.env['MESHWRIGHT_CA']) return sharedAuthority()
  return {
    get certificate() {
      return sharedRoot().certificate.toString()
    },
  }
}

type Trust = Pick<Authority, 'certificate'>
