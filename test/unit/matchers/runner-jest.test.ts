import { expect } from 'expect'
import { matchers } from '../../../matchers/index.ts'
import type { TypedExpect } from './describe-runner.ts'
import { describeRunner } from './describe-runner.ts'

// No cast: that Jest's types take our matchers is part of what is tested.
expect.extend(matchers)

describeRunner('Jest', expect as unknown as TypedExpect)
