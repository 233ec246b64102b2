import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { expect, test } from 'vitest'
import { OutboxDispatcher } from '../../src/events/outbox-dispatcher.js'
import { functionSink } from '../../src/events/sink.js'
import { createPostgresStore } from '../../src/storage/postgres/postgres-store.js'
import type { Store } from '../../src/storage/store.js'
import { databaseUrl, ownDatabase } from '../support/postgres.js'

const CALLS = 40
const TIMEOUT = { timeout: 240_000 }

/** Starts a courier and kills it with SIGKILL once it has delivered `deliveries` events, or recorded everything. */
async function killACourier(kind: string, where: string, file: string, deliveries: number): Promise<void> {
  const script = new URL('../support/event-courier.ts', import.meta.url).pathname
  const courier = spawn(process.execPath, ['--import', 'tsx', script, kind, where, file, String(CALLS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<number | null>((resolve) => courier.once('close', resolve))
  let said = ''
  courier.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.includes(`delivered ${deliveries}\n`)) courier.kill('SIGKILL')
  })
  expect(await gone).toBe(null) // killed, and did not end by itself
}

const linesOf = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []) // prettier-ignore

interface Delivered {
  readonly id: string
  readonly data: { readonly callSid: string; readonly n: number }
}

/** What the dead ones delivered, then what a living one delivers until the outbox is empty. */
async function deliveredInTheEnd(store: Store, file: string): Promise<Delivered[]> {
  const delivered = linesOf(file).map((line) => JSON.parse(line) as Delivered)
  const recorded = linesOf(`${file}.recorded`)
  const lastOf = (callSid: string) => delivered.some(({ data }) => data.callSid === callSid && data.n === 3)
  let isDone: () => void = () => undefined
  const done = new Promise<void>((resolve) => (isDone = resolve))
  const check = (): void => {
    if (recorded.every(lastOf)) isDone()
  }
  const sink = functionSink(({ id, data }) => {
    delivered.push({ id, data: data as Delivered['data'] })
    check()
  })
  const dispatcher = new OutboxDispatcher({ store, source: 'https://voice.example.com', sinks: { file: sink }, pollMs: 50 }) // prettier-ignore
  dispatcher.start()
  check()
  await done
  await dispatcher.close()
  return delivered
}

/** Every event of every call that was recorded, at least once, first deliveries in order, repeats under the same id. */
function expectNothingLost(delivered: readonly Delivered[], file: string): void {
  const recorded = linesOf(`${file}.recorded`)
  expect(recorded.length).toBeGreaterThan(0)
  for (const callSid of recorded) {
    const ids = new Map<string, number>()
    for (const { id, data } of delivered) if (data.callSid === callSid) ids.set(id, data.n)
    expect([callSid, [...ids.values()]]).toEqual([callSid, [1, 2, 3]])
    // A repeat comes before anything later of its call.
    const ns = delivered.filter(({ data }) => data.callSid === callSid).map(({ data }) => data.n)
    expect([callSid, ns]).toEqual([callSid, [...ns].sort()])
  }
}

test(
  'a voice killed with -9 between record and delivery, PGlite on disk: nothing is lost, and order holds',
  TIMEOUT,
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'callweave-events-'))
    const file = join(directory, 'delivered')
    await killACourier('pglite', join(directory, 'data'), file, 30)
    const client = new PGlite(join(directory, 'data'))
    const delivered = await deliveredInTheEnd(createPostgresStore({ client, operationTimeoutMs: 60_000 }), file)
    expectNothingLost(delivered, file)
    await client.close()
    rmSync(directory, { recursive: true })
  },
)

test.skipIf(!databaseUrl)(
  `the same of a dispatcher alone, in PostgreSQL${databaseUrl ? '' : ' (skipped: set DATABASE_URL)'}`,
  TIMEOUT,
  async () => {
    const database = await ownDatabase()
    const directory = mkdtempSync(join(tmpdir(), 'callweave-events-'))
    const file = join(directory, 'delivered')
    await killACourier('postgres', database.url, file, 17)
    const delivered = await deliveredInTheEnd(createPostgresStore({ client: database.pool }), file)
    expectNothingLost(delivered, file)
    await database.drop()
    rmSync(directory, { recursive: true })
  },
)
