import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { end, start } from '../machine.mjs'

const servers = join(dirname(fileURLToPath(import.meta.url)), 'servers')

/** A peer whose server is one of our own files. */
export async function startNodeServer(file, world, flags = []) {
  const child = start('server', process.execPath, [...flags, '--no-warnings', join(servers, file)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exchange = async (message) => {
    child.send(message)
    const waiting = new AbortController()
    const { signal: forget } = waiting
    const [answer] = await Promise.race([
      once(child, 'message', { signal: forget }),
      once(child, 'exit', { signal: forget }).then(([code, signal]) => [
        { error: `${file} ended with ${code ?? signal}` },
      ]),
    ]).finally(() => waiting.abort())
    if (answer.error) throw new Error(answer.error)
    return answer
  }
  const instance = {
    child,
    pid: child.pid,
    urls: [],
    async load(next) {
      instance.urls = (await exchange({ load: next })).urls
    },
    report: async (ask = {}) => (await exchange({ report: ask })).report,
    stop: () => end(child),
  }
  await instance.load(world)
  return instance
}
