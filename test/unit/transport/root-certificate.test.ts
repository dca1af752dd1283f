import { expect, test } from 'vitest'
import { newRoot } from '../../../src/transport/root-certificate.ts'

test('a root is an authority that vouches for itself, for a year', () => {
  // Lengths of signatures differ, and with them those of everything around.
  for (let i = 0; i < 50; i++) {
    const { certificate, key } = newRoot()
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.checkIssued(certificate)).toBe(true)
    expect(certificate.checkPrivateKey(key)).toBe(true)
    expect(certificate.ca).toBe(true)
    expect(certificate.subject).toMatch(/^CN=Meshwright [0-9a-f]{8}$/)
    const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 86_400_000
    expect(days).toBe(366)
  }
})

test('no two roots can be taken for each other', () => {
  const [one, other] = [newRoot().certificate, newRoot().certificate]
  expect(one.serialNumber).not.toBe(other.serialNumber)
  expect(one.subject).not.toBe(other.subject)
  expect(other.verify(one.publicKey)).toBe(false)
})
