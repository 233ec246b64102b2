import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { conformanceCases } from '../../src/storage/conformance/index.js'
import { createRedisStore } from '../../src/storage/redis/redis-store.js'

function hasRedisServer(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  // a cluster's nodes talk on the port plus 10 000
  return port < 55_000 ? port : freePort()
}

const canRun = process.env['REDIS_URL'] !== undefined && hasRedisServer()

describe.skipIf(!canRun)(
  `the store in a Redis cluster${canRun ? '' : ' (skipped: set REDIS_URL and install redis-server)'}`,
  () => {
    const servers: ChildProcess[] = []
    const directories: string[] = []
    let client: Cluster

    beforeAll(async () => {
      const ports = [await freePort(), await freePort()]
      const nodes = ports.map((port) => {
        const directory = mkdtempSync(join(tmpdir(), 'callweave-cluster-'))
        directories.push(directory)
        const options = [
          '--port',
          String(port),
          '--cluster-enabled',
          'yes',
          '--save',
          '',
          '--dir',
          directory,
          '--bind',
          '127.0.0.1',
        ]
        servers.push(spawn('redis-server', options, { stdio: 'ignore' }))
        return new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null })
      })
      for (const node of nodes) node.on('error', () => undefined)
      const [first, second] = nodes
      await first!.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191')
      await second!.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383')
      await first!.call('CLUSTER', 'MEET', '127.0.0.1', String(ports[1]))
      for (const node of nodes) {
        for (;;) {
          const info = String(await node.call('CLUSTER', 'INFO'))
          if (info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:2')) break
        }
        node.disconnect()
      }
      client = new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
    }, 60_000)

    afterAll(() => {
      client.disconnect()
      for (const server of servers) server.kill()
      for (const directory of directories) rmSync(directory, { recursive: true })
    })

    test.for(conformanceCases)('$name', async ({ run }) => {
      await run((options) => createRedisStore({ client, ...options }))
    })
  },
)
