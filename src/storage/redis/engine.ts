/**
 * The steps of a store over Redis: each is one script, and one round trip.
 *
 * @module
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.js'
import { StorageError } from '../../core/errors.js'
import type {
  CappedAdd,
  CappedAdded,
  Cell,
  CellSwap,
  CellSwapped,
  EventRow,
  Row,
  RowPageQuery,
  RowQuery,
  RowWrite,
  StoreEngine,
  TakeQuery,
} from '../engine.js'
import type { CellKind, RowKind } from '../kinds.js'
import { explainRedisError } from './faults.js'
import { SCRIPTS } from './scripts.js'

/**
 * The few members that we need of a Redis client: `Redis` and `Cluster` of ioredis fit as they are (https://github.com/redis/ioredis). Redis
 * 5 or newer, with `maxmemory-policy noeviction` and with persistence as safe as the records have to be.
 */
export interface RedisClient {
  evalsha(sha: string, keys: number, ...keysAndValues: string[]): Promise<unknown>
  eval(script: string, keys: number, ...keysAndValues: string[]): Promise<unknown>
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<unknown>
  sadd(key: string, ...members: string[]): Promise<unknown>
  smembers(key: string): Promise<string[]>
}

/** The shape of the keys that this version writes. */
export const REDIS_SHAPE_VERSION = 1

/** Cells stay a day after they ran out, as in every driver. */
const KEEP_RUN_OUT_MS = 86_400_000

/** Added to every moment of a place, so that those before 1970 sort below the others. */
const EPOCH_SHIFT = 1e15

const SHAS = Object.fromEntries(
  Object.entries(SCRIPTS).map(([step, script]) => [step, createHash('sha1').update(script).digest('hex')]),
) as Readonly<Record<keyof typeof SCRIPTS, string>>

type RowFields = [version: string | null, place: string, record: string, takes: string | null]
type CellFields = [] | [holder: string, fence: string, untilAt: string, record: string, isLive?: string]

/** The steps of a store over Redis. */
export class RedisEngine implements StoreEngine {
  readonly name = 'redis'
  readonly #client: RedisClient
  readonly #clock: Clock | undefined
  readonly #prefix: string
  /** Tenants that this process has put on a list of those with something in a queue. The lists only grow. */
  readonly #listed = new Set<string>()
  #shape: Promise<void> | undefined

  constructor(client: RedisClient, prefix: string, clock: Clock | undefined) {
    this.#client = client
    this.#prefix = prefix
    this.#clock = clock
  }

  explain(error: unknown): ReturnType<typeof explainRedisError> {
    return explainRedisError(error)
  }

  async migrate(): Promise<void> {
    await this.#checkShape()
    await this.#client.set(`${this.#prefix}:shape`, String(REDIS_SHAPE_VERSION))
  }

  async get(kind: RowKind, tenantId: string, id: string): Promise<Row | undefined> {
    return toRow(tenantId, (await this.#run('get', tenantId, kind, id)) as RowFields)
  }

  async list(kind: RowKind, tenantId: string, query: RowPageQuery): Promise<readonly Row[]> {
    let { from, to } = rangeOf(query)
    if (query.after && query.order === 'ascending') from = `(${placeOf(query.after.at, query.after.id)}`
    if (query.after && query.order === 'descending') to = `(${placeOf(query.after.at, query.after.id)}`
    const rows = await this.#run('list', tenantId, kind, indexOf(query), query.order, from, to, String(query.limit))
    return (rows as RowFields[]).flatMap((fields) => toRow(tenantId, fields) ?? [])
  }

  async count(kind: RowKind, tenantId: string, query: RowQuery): Promise<number> {
    const { from, to } = rangeOf(query)
    return Number(await this.#run('count', tenantId, kind, indexOf(query), from, to))
  }

  async write({ kind, tenantId, id, when, put, events = [] }: RowWrite): Promise<'written' | 'conflict'> {
    if (put?.due) await this.#listTenant(`${kind}:${put.due.queue}`, tenantId)
    if (events.length > 0) await this.#listTenant('outbox', tenantId)
    const written = await this.#run(
      'write',
      tenantId,
      kind,
      id,
      String(when),
      randomUUID(),
      put ? 'put' : '',
      put ? placeOf(put.at, id) : '',
      put ? JSON.stringify(put.record) : '',
      JSON.stringify(put?.keys ?? {}),
      put?.due?.queue ?? '',
      String(put?.due?.at ?? 0),
      JSON.stringify(
        events.map((event) => ({
          id: event.id,
          key: event.key,
          at: String(event.occurredAt),
          place: placeOf(event.occurredAt, event.id),
          record: JSON.stringify(event.record),
        })),
      ),
    )
    return written === 1 ? 'written' : 'conflict'
  }

  async addCapped({ kind, tenantId, id, at, record, keys, counted, caps }: CappedAdd): Promise<CappedAdded> {
    const [outcome, roomAt, ...full] = (await this.#run(
      'addCapped',
      tenantId,
      kind,
      id,
      randomUUID(),
      placeOf(at, id),
      JSON.stringify(record),
      JSON.stringify(keys),
      `${counted.name}:${counted.value}`,
      ...caps.flatMap(({ max, windowMs }) => [String(max), String(windowMs), `[${digitsOf(at - windowMs + 1)}`]),
    )) as string[]
    if (outcome !== 'refused') return { outcome: outcome === 'added' ? 'added' : 'exists' }
    return { outcome, roomAt: Number(roomAt), full: full.map(Number) }
  }

  async take(kind: RowKind, queue: string, { tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly Row[]> {
    return this.#ofTenants(`${kind}:${queue}`, tenantId, limit, async (tenant, left) => {
      const rows = await this.#run('take', tenant, kind, queue, String(left), String(visibilityMs), this.#now())
      return (rows as RowFields[]).flatMap((fields) => toRow(tenant, fields) ?? [])
    })
  }

  async getCell(kind: CellKind, tenantId: string, id: string): Promise<Cell | undefined> {
    return toCell((await this.#run('getCell', tenantId, kind, id, this.#now())) as CellFields)
  }

  async swapCell({ kind, tenantId, id, when, holder, put }: CellSwap): Promise<CellSwapped> {
    const [isSwapped, before, after] = (await this.#run(
      'swapCell',
      tenantId,
      kind,
      id,
      when,
      holder,
      put.holder,
      put.record === undefined ? '' : 'record',
      put.record === undefined ? '' : JSON.stringify(put.record),
      put.ttlMs === undefined ? '' : String(put.ttlMs),
      this.#now(),
      String(KEEP_RUN_OUT_MS),
    )) as [number, CellFields, CellFields]
    const was = toCell(before)
    return { isSwapped: isSwapped === 1, before: was && { ...was, hasRunOut: before[4] === '0' }, after: toCell(after) }
  }

  async takeEvents({ tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly EventRow[]> {
    return this.#ofTenants('outbox', tenantId, limit, async (tenant, left) => {
      const taken = await this.#run('takeEvents', tenant, String(left), String(visibilityMs), this.#now())
      return (taken as string[][]).map((fields) => toEventRow(tenant, fields))
    })
  }

  async listEvents(...[tenantId, key, { after = '', limit }]: Parameters<StoreEngine['listEvents']>) {
    const events = (await this.#run('listEvents', tenantId, key, after, String(limit))) as string[][]
    return events.map((fields) => toEventRow(tenantId, fields))
  }

  async settleEvent(...[tenantId, id, version, how]: Parameters<StoreEngine['settleEvent']>): Promise<boolean> {
    const rest =
      how === 'forget'
        ? ['forget']
        : 'dueAt' in how
          ? ['defer', String(how.dueAt)]
          : 'park' in how
            ? ['park', placeOf(how.park.at, id), JSON.stringify(how.park.record), JSON.stringify(how.park.keys)]
            : ['rewrite', '', JSON.stringify(how.record)]
    return (await this.#run('settleEvent', tenantId, id, String(version), ...rest)) === 1
  }

  removeRunOut(): Promise<number> {
    return Promise.resolve(0) // the server does it by itself, KEEP_RUN_OUT_MS after they ran out
  }

  #now(): string {
    return this.#clock ? String(this.#clock.now()) : ''
  }

  /** Braces put all keys of a tenant into one slot of a cluster; the tenant's own braces must not, so it is encoded. */
  #tenantKey(tenantId: string): string {
    return `${this.#prefix}:{${encodeURIComponent(tenantId)}}`
  }

  /** Before the write, so that a tenant that has something is always on the list; one that has nothing costs a look. */
  async #listTenant(list: string, tenantId: string): Promise<void> {
    const key = `${this.#prefix}:tenants:${encodeURIComponent(list)}`
    if (this.#listed.has(`${key} ${tenantId}`)) return
    await this.#client.sadd(key, tenantId)
    if (this.#listed.size > 10_000) this.#listed.clear()
    this.#listed.add(`${key} ${tenantId}`)
  }

  async #ofTenants<T>(
    list: string,
    tenantId: string | undefined,
    limit: number,
    take: (tenantId: string, left: number) => Promise<T[]>,
  ): Promise<T[]> {
    if (tenantId !== undefined) return take(tenantId, limit)
    const tenants = await this.#client.smembers(`${this.#prefix}:tenants:${encodeURIComponent(list)}`)
    const first = Math.floor(Math.random() * tenants.length) // so that nobody is always last
    const taken: T[] = []
    for (const tenant of [...tenants.slice(first), ...tenants.slice(0, first)]) {
      if (taken.length >= limit) break
      taken.push(...(await take(tenant, limit - taken.length)))
    }
    return taken
  }

  async #run(step: keyof typeof SCRIPTS, tenantId: string, ...values: readonly string[]): Promise<unknown> {
    await (this.#shape ??= this.#checkShape())
    const key = this.#tenantKey(tenantId)
    try {
      return await this.#client.evalsha(SHAS[step], 1, key, ...values)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return await this.#client.eval(SCRIPTS[step], 1, key, ...values)
    }
  }

  /** Once, before the first step: keys that a newer version wrote are not touched. */
  async #checkShape(): Promise<void> {
    try {
      const version = Number((await this.#client.get(`${this.#prefix}:shape`)) ?? REDIS_SHAPE_VERSION)
      if (version <= REDIS_SHAPE_VERSION) return
      const message = `The keys have shape version ${version}, this package knows ${REDIS_SHAPE_VERSION}`
      throw new StorageError('storage_schema_too_new', message, { operation: 'migrate' })
    } catch (error) {
      this.#shape = undefined
      throw error
    }
  }
}

const digitsOf = (at: number): string => String(Math.max(0, at + EPOCH_SHIFT)).padStart(16, '0')

const placeOf = (at: number, id: string): string => `${digitsOf(at)}:${id}`

const indexOf = ({ index }: RowQuery): string => (index ? `${index.name}:${index.value}` : '')

/** Places of a moment begin with its digits and go on, so the bare digits lie before all of them. */
function rangeOf({ sinceAt, untilAt }: RowQuery): { from: string; to: string } {
  return {
    from: sinceAt === undefined ? '-' : `[${digitsOf(sinceAt)}`,
    to: untilAt === undefined ? '+' : `(${digitsOf(untilAt)}`,
  }
}

function toRow(tenantId: string, [version, place, record, takes]: RowFields): Row | undefined {
  if (version === null) return undefined
  return {
    tenantId,
    id: place.slice(17),
    version: Number(version),
    at: Number(place.slice(0, 16)) - EPOCH_SHIFT,
    record: JSON.parse(record) as unknown,
    takes: Number(takes ?? 0),
  }
}

function toEventRow(
  tenantId: string,
  [key = '', version, at, record = 'null', takes, id = '']: readonly string[],
): EventRow {
  return {
    tenantId,
    id,
    key,
    version: Number(version),
    occurredAt: Number(at),
    record: JSON.parse(record) as unknown,
    takes: Number(takes),
  }
}

function toCell([holder, fence, untilAt, record]: CellFields): Cell | undefined {
  if (holder === undefined) return undefined
  const parsed = record === undefined || record === '' ? undefined : (JSON.parse(record) as unknown)
  return { holder, fence: Number(fence), untilAt: Number(untilAt), record: parsed }
}
