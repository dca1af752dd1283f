import { expect } from 'vitest'
import { matchers } from '../../../matchers/index.ts'
import type { TypedExpect } from './describe-runner.ts'
import { describeRunner } from './describe-runner.ts'

// No cast: that Vitest's types take our matchers is part of what is tested.
expect.extend(matchers)

describeRunner('Vitest', expect as unknown as TypedExpect)
