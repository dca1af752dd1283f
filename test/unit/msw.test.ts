import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MeshError } from '../../src/errors.ts'
import * as ours from '../../src/msw.ts'
import * as msw from 'msw'
import { mswMajor } from '../support/own-msw.ts'

describe('what is handed on of MSW', () => {
  test('is what the project has installed, not a copy', () => {
    const { http, HttpResponse, ws, sse, delay, getResponse } = msw
    expect(ours).toMatchObject({ http, HttpResponse, ws, sse, delay, getResponse })
    expect(ours.http).toBe(http)
  })

  test('is GraphQL too, where MSW has it in its main entry; else the error says where it is', () => {
    const link = () => ours.graphql.link('http://orders/graphql')
    if (mswMajor === 2) expect(link().query).toBeTypeOf('function')
    else expect(link).toThrow(/import \{ graphql \} from 'msw\/graphql'\.\s+\[MESH_MSW_VERSION\]$/)
  })
})

test('an msw that cannot be loaded is explained by its first line', () => {
  const cause = Object.assign(new Error("Cannot find package 'msw'\n  at somewhere"), { code: 'ERR_MODULE_NOT_FOUND' })
  const missing = () => ours.mswMissing(cause)
  expect(missing).toThrow(MeshError)
  expect(missing).toThrow(
    expect.objectContaining({
      cause,
      message: `meshwright needs the package "msw" and cannot load it.
  Cannot find package 'msw'
  Install it next to meshwright: npm install --save-dev msw   [MESH_MSW_MISSING]`,
    }),
  )
})

test("an msw that Jest's sandbox cannot load is explained by the environment that is missing", () => {
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('JEST_WORKER_ID', '1')
  const cause = new Error('Must use import to load ES Module: /project/node_modules/rettime/build/index.mjs')
  expect(() => ours.mswMissing(cause)).toThrow(
    /@jest.environment meshwright\/jest-environment \*\/\n.*testEnvironment.*\[MESH_NO_ENVIRONMENT\]$/,
  )
  expect(() => ours.mswMissing(new Error("Cannot find module 'msw'"))).toThrow(/\[MESH_MSW_MISSING\]$/)
})
