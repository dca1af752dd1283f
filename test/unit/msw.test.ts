import { describe, expect, test } from 'vitest'
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
