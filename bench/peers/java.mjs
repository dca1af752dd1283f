import { spawnSync } from 'node:child_process'
import { isPinned } from '../machine.mjs'

/** @throws without one */
export function expectJava() {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0) throw new Error('there is no java')
}

/** What a virtual machine needs to know when it has one processor to itself; it asks the machine and not the scheduler. */
export const javaFlags = ['-Xms512m', '-Xmx512m', ...(isPinned ? ['-XX:ActiveProcessorCount=1'] : [])]
