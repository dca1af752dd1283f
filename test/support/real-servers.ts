import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RealServer {
  readonly port: number
  stop(): Promise<void>
}

const answersTo = (command: string, args: readonly string[]): string | undefined => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  readonly user?: { uid: number; gid: number } | undefined
  readonly folder: string
}

async function run({ command, args, port, user, folder }: Program): Promise<RealServer> {
  const child = spawn(command, args, { ...user, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()))
  const exited = once(child, 'exit')
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    port,
    async stop() {
      child.kill('SIGINT')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const hasRedis = answersTo('redis-server', ['--version']) !== undefined

/** A Redis of its own on 127.0.0.1 that keeps nothing. */
export async function startRedis(): Promise<RealServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-redis-'))
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  return run({ command: 'redis-server', args, port, folder })
}

/** Where Debian puts the programs of the server, the newest one last; elsewhere they stand on the PATH. */
function postgresFolder(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(a) - Number(b)) : []
  const found = versions.map((version) => join(debian, version, 'bin')).filter((bin) => existsSync(join(bin, 'initdb')))
  return found.at(-1) ?? answersTo('pg_config', ['--bindir'])
}

const bin = postgresFolder()
/** It refuses to run as root, and then needs the user that Debian gives it. */
const isRoot = process.getuid?.() === 0
const uid = isRoot ? answersTo('id', ['-u', 'postgres']) : undefined
const gid = isRoot ? answersTo('id', ['-g', 'postgres']) : undefined

export const hasPostgres =
  bin !== undefined && existsSync(join(bin, 'initdb')) && (!isRoot || (uid !== undefined && gid !== undefined))

/** A PostgreSQL of its own on 127.0.0.1, with a user `test` that needs no password. */
export async function startPostgres(): Promise<RealServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'meshwright-postgres-'))
  const user = uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(
    join(bin!, 'initdb'),
    ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...user, cwd: folder, stdio: 'ignore' },
  )
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off', `port=${port}`]
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]
  return run({ command: join(bin!, 'postgres'), args, port, user, folder })
}
