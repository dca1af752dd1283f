import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { rootCertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { releaseTrust, trustFile } from '../../../src/transport/trust.ts'

const plain = { world: false }

test('a file is there for this user while anybody holds it, and comes again at its path', () => {
  const [one, other] = [{}, {}]
  const path = trustFile(one, 'a certificate', plain)
  expect(readFileSync(path, 'utf8')).toBe('a certificate')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(trustFile(one, 'a certificate', plain)).toBe(path)
  expect(trustFile(other, 'a certificate', plain)).toBe(path)
  releaseTrust(one)
  expect(existsSync(path)).toBe(true)
  releaseTrust(other)
  releaseTrust(other)
  expect(existsSync(dirname(path))).toBe(false)
  expect(trustFile(one, 'a certificate', plain)).toBe(path)
  releaseTrust(one)
})

test('a path that somebody took in the meantime is left alone', () => {
  const path = trustFile(plain, 'another one', plain)
  releaseTrust(plain)
  mkdirSync(dirname(path))
  const moved = trustFile(plain, 'another one', plain)
  expect(moved).not.toBe(path)
  releaseTrust(plain)
  expect(existsSync(dirname(path))).toBe(true)
  expect(existsSync(moved)).toBe(false)
  rmSync(dirname(path), { recursive: true })
})

test('with the world it holds what this machine trusts besides', () => {
  const own = trustFile(plain, 'of a company', plain)
  const before = process.env['SSL_CERT_FILE']
  process.env['SSL_CERT_FILE'] = own
  const file = trustFile(plain, 'a certificate', { world: true })
  if (before === undefined) delete process.env['SSL_CERT_FILE']
  else process.env['SSL_CERT_FILE'] = before
  const lines = readFileSync(file, 'utf8').split('\n')
  expect(lines).toContain(rootCertificates[0]!.split('\n')[1])
  expect(lines).toContain('of a company')
  expect(lines.at(-1)).toBe('a certificate')
  releaseTrust(plain)
})
