import { describe, expect, test } from 'vitest'
import { createHistory } from '../../support/history.ts'
import { expectMesh } from './expect-mesh.ts'

const edge = 'orders->payments'

function fallenBack() {
  const history = createHistory()
  history.call(edge, 200)
  history.wait(10).call(edge, [503, 503], { fallback: 202 })
  return history.edge(edge)
}

describe('toHaveFallenBack', () => {
  test('passes', () => {
    expectMesh(fallenBack()).toHaveFallenBack()
    expectMesh(fallenBack()).toHaveFallenBack({ times: 1 })
    expectMesh(createHistory().edge(edge)).not.toHaveFallenBack()
  })

  test('fails', () => {
    expect(() => expectMesh(fallenBack()).toHaveFallenBack({ times: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).toHaveFallenBack({ times: 2 })
      Expected 2 calls to get the fallback's answer, but 1 of 2 calls got the fallback's answer:
           0 ms  POST /charges  200
          10 ms  POST /charges  202  2 tries, fallback: 503]
    `)
  })

  test('fails with .not', () => {
    expect(() => expectMesh(fallenBack()).not.toHaveFallenBack()).toThrowErrorMatchingInlineSnapshot(`
      [Error: expect(edge orders->payments).not.toHaveFallenBack()
      Expected no call to get the fallback's answer, but 1 of 2 calls got the fallback's answer:
           0 ms  POST /charges  200
          10 ms  POST /charges  202  2 tries, fallback: 503]
    `)
  })
})
