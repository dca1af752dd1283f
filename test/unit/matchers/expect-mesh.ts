import { expect } from 'vitest'
import { matchers } from '../../../matchers/index.ts'
import type { MeshMatchers } from '../../../matchers/index.ts'

expect.extend(matchers)

/** Vitest's own `expect`, typed with our matchers only, whatever is augmented elsewhere. */
export const expectMesh = (received: unknown) =>
  expect(received) as unknown as MeshMatchers<void> & { not: MeshMatchers<void> }
