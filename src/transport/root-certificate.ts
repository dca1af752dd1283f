import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { natives } from '../time/natives.ts'

// The certificate that clients are to trust has to be there when somebody asks for the environment of a process
// to be spawned, which takes no waiting. The library that makes the others takes longer to load than a mesh to start; this one
// certificate is always the same but for its key, name and dates, so it is written down here, byte for byte (RFC 5280).

export interface Root {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

const dayMs = 24 * 60 * 60_000

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts)
const identifier = (bytes: string): Buffer => der(0x06, hex(bytes))
const bits = (bytes: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), bytes)
const yes = der(0x01, hex('ff'))

const ecdsaWithSha256 = sequence(identifier('2a8648ce3d040302'))
const extension = (id: string, value: Buffer, ...critical: Buffer[]) =>
  sequence(identifier(id), ...critical, der(0x04, value))

/** `YYMMDDHHMMSSZ`, and with all four digits of the year from 2050 on. */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`
  return Number(text.slice(0, 4)) < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text))
}

/** A new EC P-256 key, and a certificate for it, valid for a year, that signs others and itself. */
export function newRoot(): Root {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = natives.randomUUID().replaceAll('-', '')
  // Roots of several processes meet in one trust store: a name of its own keeps clients from taking one for the other.
  const commonName = Buffer.from(`Meshwright ${id.slice(0, 8)}`)
  const name = sequence(der(0x31, sequence(identifier('550403'), der(0x0c, commonName))))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // The key's 65 bits-as-bytes stand last. Their SHA-1 is what leaves name their authority by (4.2.1.2).
  const keyId = createHash('sha1').update(spki.subarray(-65)).digest()
  const now = natives.dateNow()
  const body = sequence(
    der(0xa0, der(0x02, hex('02'))), // version 3
    der(0x02, hex(`4${id.slice(0, 29)}`)), // positive, and never used again
    ecdsaWithSha256,
    name,
    // Clocks of a machine and its containers may differ.
    sequence(time(now - dayMs), time(now + 365 * dayMs)),
    name,
    spki,
    der(
      0xa3,
      sequence(
        extension('551d13', sequence(yes), yes), // an authority
        extension('551d0f', bits(hex('06'), 1), yes), // that signs certificates and lists of revoked ones
        extension('551d0e', der(0x04, keyId)),
        extension('551d23', sequence(der(0x80, keyId))),
      ),
    ),
  )
  const certificate = new X509Certificate(sequence(body, ecdsaWithSha256, bits(sign('sha256', body, privateKey))))
  return { certificate, key: privateKey }
}

const symbol = Symbol.for('meshwright/root')
const shared = globalThis as { [symbol]?: Root }

/** The root of this process, of both copies of the package: clients read what they trust once, when they start. */
export const sharedRoot = (): Root => (shared[symbol] ??= newRoot())
