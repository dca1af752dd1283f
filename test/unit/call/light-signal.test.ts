import { describe, expect, test } from 'vitest'
import { LightSignal, realSignal } from '../../../src/call/light-signal.ts'

describe('a light signal', () => {
  test('tells each listener once, in order, with its reason at hand', () => {
    const heard: string[] = []
    const light = new LightSignal()
    const twice = () => heard.push('first')
    light.addEventListener('abort', twice)
    light.addEventListener('abort', twice)
    light.addEventListener('abort', { handleEvent: () => heard.push(`second: ${String(light.reason)}`) })
    light.addEventListener('other', () => heard.push('never'))
    light.abort('enough')
    light.abort('again')
    expect(heard).toEqual(['first', 'second: enough'])
    expect([light.aborted, light.reason]).toEqual([true, 'enough'])
    expect(() => light.throwIfAborted()).toThrow('enough')
  })

  test('forgets a listener that has left, also one that leaves while others are told', () => {
    const heard: string[] = []
    const light = new LightSignal()
    const leaving = () => heard.push('left')
    light.addEventListener('abort', leaving)
    light.addEventListener('abort', () => heard.push('stayed'))
    light.removeEventListener('abort', leaving)
    light.removeEventListener('abort', leaving)
    light.abort()
    light.addEventListener('abort', () => heard.push('too late'))
    expect(heard).toEqual(['stayed'])
    expect((light.reason as DOMException).name).toBe('AbortError')
  })

  test.each(['before', 'after'])('has a real one that follows it, asked for %s it aborts', (when) => {
    const light = new LightSignal()
    const early = when === 'before' ? realSignal(light.signal) : undefined
    light.abort('enough')
    const real = early ?? realSignal(light.signal)
    expect(real).toBeInstanceOf(AbortSignal)
    expect([real.aborted, real.reason]).toEqual([true, 'enough'])
    expect(realSignal(light.signal)).toBe(real)
    expect(realSignal(real)).toBe(real)
  })
})
