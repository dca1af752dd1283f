import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAuthority, sharedAuthority } from '../../../src/transport/authority.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'authority-test-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const write = (name: string, text: string) => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
})()
const openssl = (...args: string[]) =>
  execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })

describe('createAuthority', () => {
  test('makes a root that signs itself', async () => {
    const root = new X509Certificate((await createAuthority()).certificate)
    expect(root.ca).toBe(true)
    expect(root.verify(root.publicKey)).toBe(true)
    expect(root.subject).toBe(root.issuer)
  })

  test('gives each host a certificate of its own, signed by the root', async () => {
    const authority = await createAuthority()
    const root = new X509Certificate(authority.certificate)
    const leaf = (host: string) => new X509Certificate(authority.credentialsFor(host).cert)
    for (const host of [
      'orders.shop.test',
      'orders',
      'user_accounts',
      'xn--bcher-kva.test',
      `${'a'.repeat(63)}.test`,
    ]) {
      expect(leaf(host).verify(root.publicKey)).toBe(true)
      expect(leaf(host).checkIssued(root)).toBe(true)
      expect(leaf(host).checkHost(host)).toBe(host)
      expect(leaf(host).ca).toBe(false)
    }
    expect(leaf('a.test').checkHost('b.test')).toBeUndefined()
    expect(leaf('a.test').serialNumber).not.toBe(leaf('b.test').serialNumber)
    expect(leaf('10.1.2.3').checkIP('10.1.2.3')).toBe('10.1.2.3')
    expect(leaf('[2001:db8::1]').checkIP('2001:db8::1')).toBe('2001:db8::1')
  })

  test.each(['localhost', '127.0.0.1', '::1', '[::1]', 'LOCALHOST.', '', 'no host', '\u0000', '..', 'a'.repeat(300)])(
    'answers as this machine for %j',
    async (host) => {
      const leaf = new X509Certificate((await createAuthority()).credentialsFor(host).cert)
      expect(leaf.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    },
  )

  test('keeps the 256 hosts that were used last', async () => {
    const authority = await createAuthority()
    const first = authority.contextFor('first.test')
    const second = authority.contextFor('second.test')
    for (let i = 0; i < 254; i++) authority.contextFor(`${i}.test`)
    expect(authority.contextFor('FIRST.test.')).toBe(first)
    authority.contextFor('one-more.test')
    expect(authority.contextFor('first.test')).toBe(first)
    expect(authority.contextFor('second.test')).not.toBe(second)
  })

  test.runIf(hasOpenssl)('passes the strict verification of openssl, if that is installed', async () => {
    const authority = await createAuthority()
    write('ca.pem', authority.certificate)
    for (const host of ['orders.shop.test', '127.0.0.1']) {
      write('leaf.pem', authority.credentialsFor(host).cert)
      const as = host === '127.0.0.1' ? '-verify_ip' : '-verify_hostname'
      const said = openssl('verify', '-x509_strict', '-purpose', 'sslserver', as, host, '-CAfile', 'ca.pem', 'leaf.pem')
      expect(said).toBe('leaf.pem: OK\n')
    }
  })
})

describe.runIf(hasOpenssl)('an authority from a file (made with openssl, if that is installed)', () => {
  test.each([
    ['EC', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
    ['RSA', ['-newkey', 'rsa:2048']],
    ['Ed25519', ['-newkey', 'ed25519']],
  ])('with a key of type %s signs', async (_type, key) => {
    openssl(
      'req',
      '-x509',
      ...key,
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-days',
      '2',
      '-subj',
      '/CN=Ours',
    )
    const pem = readFileSync(join(directory, 'key.pem'), 'utf8') + readFileSync(join(directory, 'cert.pem'), 'utf8')
    const authority = await createAuthority({ from: write('both.pem', pem) })
    expect(authority.certificate.trim()).toBe(readFileSync(join(directory, 'cert.pem'), 'utf8').trim())
    write('leaf.pem', authority.credentialsFor('orders').cert)
    expect(openssl('verify', '-verify_hostname', 'orders', '-CAfile', 'cert.pem', 'leaf.pem')).toBe('leaf.pem: OK\n')
    expect(authority.contextFor('orders')).toBeDefined()
  })

  test('that cannot be used is named, with the reason', async () => {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'a.key', '-out', 'a.pem', '-subj', '/CN=A')
    openssl('genpkey', '-algorithm', 'ed25519', '-out', 'other.key')
    const read = (name: string) => readFileSync(join(directory, name), 'utf8')
    const unusable: Record<string, string> = {
      'no private key': read('a.pem'),
      'no certificate in it': read('a.key'),
      'belongs to no certificate': read('a.pem') + read('other.key'),
      nonsense: 'hello',
    }
    for (const [what, text] of Object.entries(unusable)) {
      const error = await createAuthority({ from: write('bad.pem', text) }).catch((reason: Error) => reason)
      expect(error, what).toMatchObject({ code: 'MESH_INVALID_OPTION' })
      expect((error as Error).message).toContain(`MESHWRIGHT_CA: cannot use "${join(directory, 'bad.pem')}"`)
    }
  })
})

describe('sharedAuthority', () => {
  const before = process.env['MESHWRIGHT_CA']
  afterEach(() => {
    if (before === undefined) delete process.env['MESHWRIGHT_CA']
    else process.env['MESHWRIGHT_CA'] = before
  })

  test('is one for the whole process', async () => {
    expect(await sharedAuthority()).toBe(await sharedAuthority())
  })

  test('follows MESHWRIGHT_CA, and recovers from a file that is not there', async () => {
    const own = await sharedAuthority()
    process.env['MESHWRIGHT_CA'] = join(directory, 'nowhere.pem')
    await expect(sharedAuthority()).rejects.toThrow('nowhere.pem')
    delete process.env['MESHWRIGHT_CA']
    expect((await sharedAuthority()).certificate).not.toBe('')
    expect(own.certificate).not.toBe('')
  })
})
