import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'
import { natives } from '../time/natives.ts'

/** Who signs: a certificate and the private key that belongs to it. */
export interface Issuer {
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

const dayMs = 24 * 60 * 60_000
/** Clocks of a machine and its containers may differ; nobody takes a certificate for a server that is valid much longer. */
const validMs = { before: dayMs, after: 365 * dayMs }

/** The longest common name that RFC 5280 allows. */
const longestName = 64

/** A certificate, PEM, for a server that is reached under these names and addresses. The first one is its subject. */
export function leafFor(names: readonly string[], publicKey: KeyObject, issuer: Issuer): string {
  const { tbsCertificate } = AsnConvert.parse(issuer.certificate.raw, Certificate)
  const identifier = new KeyIdentifier(identifierOf(issuer.certificate.publicKey))
  const [name = ''] = names
  return signed(
    { issuer: tbsCertificate.subject, subject: nameOf(name.length > longestName ? 'Meshwright' : name), publicKey },
    [
      extension(id_ce_basicConstraints, new BasicConstraints(), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extension(
        id_ce_subjectAltName,
        new SubjectAlternativeName(
          names.map((one) => new GeneralName(isIP(one) ? { iPAddress: one } : { dNSName: one })),
        ),
      ),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(identifierOf(publicKey))),
      // By key and not by name and number, as the keys of a foreign authority may be renewed. Its own word goes first.
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: ownIdentifier(tbsCertificate) ?? identifier }),
      ),
    ],
    issuer.key,
  )
}

/** The first certificate of a PEM text that belongs to the private key in it, and what stands behind it in its chain. */
export function issuerFrom(pem: string): Issuer & { readonly chain: readonly string[] } {
  const key = createPrivateKey(pem)
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new Error('there is no certificate in it')
  const certificates = blocks.map((block) => new X509Certificate(block))
  const certificate = certificates.find((one) => one.checkPrivateKey(key))
  if (!certificate) throw new Error('the private key belongs to no certificate in it')
  if (!certificate.ca) throw new Error(`the certificate of ${certificate.subject} is not one of an authority (CA:TRUE)`)
  if (!Object.hasOwn(signatures, String(key.asymmetricKeyType)))
    throw new Error(
      `a key of type ${key.asymmetricKeyType} is not supported, only ${Object.keys(signatures).join(', ')}`,
    )
  return { certificate, key, chain: blocks.filter((_, i) => certificates[i] !== certificate) }
}

/** What a signature by such a key is called. RSA alone says NULL for its parameters (RFC 4055). */
const signatures: Record<string, { algorithm: string; parameters?: null; hash: string | null }> = {
  ec: { algorithm: '1.2.840.10045.4.3.2', hash: 'sha256' },
  rsa: { algorithm: '1.2.840.113549.1.1.11', parameters: null, hash: 'sha256' },
  ed25519: { algorithm: '1.3.101.112', hash: null },
}

function signed(
  { issuer, subject, publicKey }: { issuer: Name; subject: Name; publicKey: KeyObject },
  extensions: Extension[],
  key: KeyObject,
): string {
  const { hash, ...algorithm } = signatures[key.asymmetricKeyType!]!
  const now = natives.dateNow()
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: new AlgorithmIdentifier(algorithm),
    issuer,
    subject,
    validity: new Validity({ notBefore: new Date(now - validMs.before), notAfter: new Date(now + validMs.after) }),
    subjectPublicKeyInfo: AsnConvert.parse(spkiOf(publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions(extensions),
  })
  const signature = sign(hash, Buffer.from(AsnConvert.serialize(tbsCertificate)), key)
  const certificate = new Certificate({
    tbsCertificate,
    signatureAlgorithm: new AlgorithmIdentifier(algorithm),
    signatureValue: bytesOf(signature),
  })
  const lines = Buffer.from(AsnConvert.serialize(certificate))
    .toString('base64')
    .match(/.{1,64}/g)!
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

/** Positive, not zero, 15 bytes that never come again: clients refuse two certificates of one issuer with one number. */
const serialNumber = () => bytesOf(Buffer.from(`4${natives.randomUUID().replaceAll('-', '').slice(0, 29)}`, 'hex'))

const nameOf = (commonName: string) =>
  new Name([
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({ type: '2.5.4.3', value: new AttributeValue({ utf8String: commonName }) }),
    ]),
  ])

const extension = (extnID: string, value: object, critical = false) =>
  new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })

const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' })

/** The first way of RFC 5280, 4.2.1.2: the SHA-1 of the key's bits. */
const identifierOf = (key: KeyObject) =>
  bytesOf(
    createHash('sha1')
      .update(Buffer.from(AsnConvert.parse(spkiOf(key), SubjectPublicKeyInfo).subjectPublicKey))
      .digest(),
  )

function ownIdentifier({ extensions }: TBSCertificate): KeyIdentifier | undefined {
  const found = extensions?.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier)
  return found && AsnConvert.parse(found.extnValue.buffer, SubjectKeyIdentifier)
}

/** The library takes whole buffers, and Node's are windows on shared ones. */
const bytesOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer

/** The key that all leaves share: what tells hosts apart is their certificate. */
export function newLeafKey(): { readonly publicKey: KeyObject; readonly pem: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    publicKey: createPublicKey(privateKey),
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
