/**
 * The steps of a store as SQL: each is one statement, and one round trip.
 *
 * @module
 */
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
import { QUEUE_KINDS, ROW_KINDS, type CellKind, type RowKind } from '../kinds.js'
import { explainPostgresError } from './faults.js'
import { migrationSql, SCHEMA_VERSION } from './migrations.js'

/**
 * The one member that we need of a PostgreSQL client: `pg.Pool` (https://node-postgres.com/apis/pool) and `PGlite`
 * (https://pglite.dev/docs/api) fit as they are. Hand in a pool: a single `pg.Client` is lost with its connection.
 */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** The time of the statement, by the server's clock, in milliseconds. Stable, so that an index may be searched with it. */
const SERVER_NOW = `floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint`

/** Values of one statement, and their places in it. */
class Values {
  readonly list: unknown[] = []

  /** The place of a value, e.g. `$3::text`. */
  at(value: unknown, type: 'text' | 'bigint' | 'integer' | 'jsonb' | 'integer[]' | 'bigint[]'): string {
    this.list.push(value)
    return `$${this.list.length}::${type}`
  }
}

type SqlRow = Readonly<Record<string, unknown>>

/** The steps of a store over PostgreSQL. */
export class PostgresEngine implements StoreEngine {
  readonly name = 'postgres'
  readonly #client: SqlClient
  readonly #clock: Clock | undefined
  #shape: Promise<void> | undefined

  constructor(client: SqlClient, clock: Clock | undefined) {
    this.#client = client
    this.#clock = clock
  }

  explain(error: unknown): ReturnType<typeof explainPostgresError> {
    return explainPostgresError(error)
  }

  async migrate(): Promise<void> {
    await this.#client.query(migrationSql())
    this.#shape = undefined
  }

  async get(kind: RowKind, tenantId: string, id: string): Promise<Row | undefined> {
    const values = new Values()
    const where = `tenant_id = ${values.at(tenantId, 'text')} AND id = ${values.at(id, 'text')}`
    const [row] = await this.#run(`SELECT ${columnsOf(kind)} FROM ${tableOf(kind)} WHERE ${where}`, values)
    return row && toRow(row)
  }

  async list(kind: RowKind, tenantId: string, query: RowPageQuery): Promise<readonly Row[]> {
    const values = new Values()
    const conditions = conditionsOf(values, tenantId, query)
    const [word, sign] = query.order === 'ascending' ? ['ASC', '>'] : ['DESC', '<']
    if (query.after) {
      conditions.push(`(at, id) ${sign} (${values.at(query.after.at, 'bigint')}, ${values.at(query.after.id, 'text')})`)
    }
    const rows = await this.#run(
      `SELECT ${columnsOf(kind)} FROM ${tableOf(kind)} WHERE ${conditions.join(' AND ')} ` +
        `ORDER BY at ${word}, id ${word} LIMIT ${values.at(query.limit, 'integer')}`,
      values,
    )
    return rows.map(toRow)
  }

  async count(kind: RowKind, tenantId: string, query: RowQuery): Promise<number> {
    const values = new Values()
    const conditions = conditionsOf(values, tenantId, query)
    const rows = await this.#run(
      `SELECT count(*)::integer AS count FROM ${tableOf(kind)} WHERE ${conditions.join(' AND ')}`,
      values,
    )
    return Number(rows[0]?.['count'] ?? 0)
  }

  async write(write: RowWrite): Promise<'written' | 'conflict'> {
    const values = new Values()
    const change = `${changeOf(values, write)} RETURNING 1`
    const events = (write.events ?? []).map(({ id, key, occurredAt, record }) => ({
      id,
      key,
      occurred_at: occurredAt,
      record,
    }))
    const kept =
      events.length === 0
        ? ''
        : `, kept AS (INSERT INTO callweave_outbox (tenant_id, id, key, occurred_at, record)
             SELECT ${values.at(write.tenantId, 'text')}, e.id, e.key, e.occurred_at, e.record
             FROM changed, jsonb_to_recordset(${values.at(JSON.stringify(events), 'jsonb')}) AS e(id text, key text, occurred_at bigint, record jsonb))`
    const rows = await this.#run(`WITH changed AS (${change})${kept} SELECT 1 FROM changed`, values)
    return rows.length > 0 ? 'written' : 'conflict'
  }

  async addCapped(add: CappedAdd): Promise<CappedAdded> {
    const values = new Values()
    const parameters = [
      values.at(add.tenantId, 'text'),
      values.at(add.id, 'text'),
      values.at(add.at, 'bigint'),
      values.at(JSON.stringify(add.record), 'jsonb'),
      values.at(add.counted.value, 'text'),
      values.at(add.keys['party'] ?? null, 'text'),
      values.at(add.keys['lead'] ?? null, 'text'),
      values.at(
        add.caps.map(({ max }) => max),
        'integer[]',
      ),
      values.at(
        add.caps.map(({ windowMs }) => windowMs),
        'bigint[]',
      ),
    ]
    const rows = await this.#run(`SELECT callweave_add_attempt(${parameters.join(', ')}) AS answer`, values)
    return rows[0]?.['answer'] as CappedAdded
  }

  async take(kind: RowKind, queue: string, { tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly Row[]> {
    const values = new Values()
    const now = this.#now(values)
    const ofTenant = tenantId === undefined ? '' : `AND tenant_id = ${values.at(tenantId, 'text')}`
    const rows = await this.#run(
      `WITH due AS (
         SELECT tenant_id, id, due_at AS was_due_at FROM ${tableOf(kind)}
         WHERE queue = ${values.at(queue, 'text')} AND due_at <= ${now} ${ofTenant}
         ORDER BY due_at, at, id LIMIT ${values.at(limit, 'integer')} FOR UPDATE SKIP LOCKED)
       UPDATE ${tableOf(kind)} AS t
       SET version = t.version + 1, takes = t.takes + 1, due_at = ${now} + ${values.at(visibilityMs, 'bigint')}
       FROM due WHERE t.tenant_id = due.tenant_id AND t.id = due.id
       RETURNING t.tenant_id, t.id, t.version, t.at::float8 AS at_ms, t.record, t.takes, due.was_due_at::float8 AS was_due_at`,
      values,
    )
    return [...rows].sort(byMoment('was_due_at', 'at_ms')).map(toRow)
  }

  async getCell(kind: CellKind, tenantId: string, id: string): Promise<Cell | undefined> {
    const values = new Values()
    const [row] = await this.#run(
      `SELECT holder, fence::float8 AS fence, until_at::float8 AS "untilAt", record FROM callweave_cells
       WHERE kind = ${values.at(kind, 'text')} AND tenant_id = ${values.at(tenantId, 'text')} AND id = ${values.at(id, 'text')}
       AND until_at > ${this.#now(values)}`,
      values,
    )
    return row as Cell | undefined
  }

  async swapCell({ kind, tenantId, id, when, holder, put }: CellSwap): Promise<CellSwapped> {
    const values = new Values()
    const parameters = [
      ...[kind, tenantId, id, when, holder, put.holder].map((text) => values.at(text, 'text')),
      values.at(put.record === undefined ? null : JSON.stringify(put.record), 'jsonb'),
      values.at(put.ttlMs ?? null, 'bigint'),
      values.at(this.#clock?.now() ?? null, 'bigint'),
    ]
    const rows = await this.#run(`SELECT callweave_swap_cell(${parameters.join(', ')}) AS answer`, values)
    const { isSwapped, before, after } = rows[0]?.['answer'] as {
      isSwapped: boolean
      before: NonNullable<CellSwapped['before']> | null
      after: Cell | null
    }
    return { isSwapped, before: before ?? undefined, after: after ?? undefined }
  }

  async takeEvents({ tenantId, limit, visibilityMs }: TakeQuery): Promise<readonly EventRow[]> {
    const values = new Values()
    const now = this.#now(values)
    const ofTenant = tenantId === undefined ? '' : `AND o.tenant_id = ${values.at(tenantId, 'text')}`
    const rows = await this.#run(
      `WITH heads AS (
         SELECT o.tenant_id, o.id, o.due_at AS was_due_at FROM callweave_outbox o
         WHERE o.due_at <= ${now} ${ofTenant} AND NOT EXISTS (
           SELECT 1 FROM callweave_outbox p WHERE p.tenant_id = o.tenant_id AND p.key = o.key AND p.id < o.id)
         ORDER BY o.due_at, o.occurred_at, o.id LIMIT ${values.at(limit, 'integer')} FOR UPDATE SKIP LOCKED)
       UPDATE callweave_outbox AS t
       SET version = t.version + 1, takes = t.takes + 1, due_at = ${now} + ${values.at(visibilityMs, 'bigint')}
       FROM heads WHERE t.tenant_id = heads.tenant_id AND t.id = heads.id
       RETURNING t.tenant_id, t.id, t.key, t.version, t.occurred_at::float8 AS occurred_at, t.record, t.takes,
         heads.was_due_at::float8 AS was_due_at`,
      values,
    )
    return [...rows].sort(byMoment('was_due_at', 'occurred_at')).map(toEventRow)
  }

  async listEvents(...[tenantId, key, { after, limit }]: Parameters<StoreEngine['listEvents']>) {
    const values = new Values()
    const conditions = [`tenant_id = ${values.at(tenantId, 'text')}`, `key = ${values.at(key, 'text')}`]
    if (after !== undefined) conditions.push(`id > ${values.at(after, 'text')}`)
    const rows = await this.#run(
      `SELECT tenant_id, id, key, version, occurred_at::float8 AS occurred_at, record, takes FROM callweave_outbox ` +
        `WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ${values.at(limit, 'integer')}`,
      values,
    )
    return rows.map(toEventRow)
  }

  async settleEvent(...[tenantId, id, version, how]: Parameters<StoreEngine['settleEvent']>): Promise<boolean> {
    const values = new Values()
    const where =
      `WHERE tenant_id = ${values.at(tenantId, 'text')} AND id = ${values.at(id, 'text')} ` +
      `AND version = ${values.at(version, 'integer')} RETURNING tenant_id, id`
    const gone = `DELETE FROM callweave_outbox ${where}`
    if (how === 'forget') return (await this.#run(gone, values)).length > 0
    if (!('park' in how)) {
      const set =
        'dueAt' in how
          ? `due_at = ${values.at(how.dueAt, 'bigint')}`
          : `record = ${values.at(JSON.stringify(how.record), 'jsonb')}`
      return (await this.#run(`UPDATE callweave_outbox SET version = version + 1, ${set} ${where}`, values)).length > 0
    }
    const { at, record, keys } = how.park
    const rows = await this.#run(
      `WITH gone AS (${gone}) INSERT INTO callweave_parked_events (tenant_id, id, at, version, record, key_about)
       SELECT tenant_id, id, ${values.at(at, 'bigint')}, 1, ${values.at(JSON.stringify(record), 'jsonb')},
         ${values.at(keys['about'] ?? null, 'text')} FROM gone RETURNING 1`,
      values,
    )
    return rows.length > 0
  }

  async removeRunOut(agoMs: number): Promise<number> {
    const values = new Values()
    const before = `${this.#now(values)} - ${values.at(agoMs, 'bigint')}`
    const rows = await this.#run(
      `WITH gone AS (DELETE FROM callweave_cells WHERE until_at < ${before} RETURNING 1) SELECT count(*)::integer AS count FROM gone`,
      values,
    )
    return Number(rows[0]?.['count'] ?? 0)
  }

  #now(values: Values): string {
    return this.#clock ? values.at(this.#clock.now(), 'bigint') : SERVER_NOW
  }

  async #run(text: string, values: Values): Promise<readonly SqlRow[]> {
    await (this.#shape ??= this.#checkShape())
    return (await this.#client.query(text, values.list)).rows as SqlRow[]
  }

  /** Once, before the first statement: a database that is newer than we are is not written to. */
  async #checkShape(): Promise<void> {
    try {
      const { rows } = await this.#client.query('SELECT max(version)::integer AS version FROM callweave_schema')
      const version = Number((rows as SqlRow[])[0]?.['version'] ?? 0)
      if (version === SCHEMA_VERSION) return
      const code = version > SCHEMA_VERSION ? 'storage_schema_too_new' : 'storage_schema_missing'
      throw new StorageError(code, `The database has schema version ${version}, this package knows ${SCHEMA_VERSION}`, {
        operation: 'migrate',
      })
    } catch (error) {
      this.#shape = undefined
      throw error
    }
  }
}

const tableOf = (kind: RowKind): string => `callweave_${kind.replaceAll('-', '_')}`

const isQueue = (kind: RowKind): boolean => (QUEUE_KINDS as readonly RowKind[]).includes(kind)

/** `at_ms` and not `at`: `ORDER BY at` would mean the converted value, which no index is in order of. */
const columnsOf = (kind: RowKind): string =>
  `tenant_id, id, version, at::float8 AS at_ms, record${isQueue(kind) ? ', takes' : ''}`

function conditionsOf(values: Values, tenantId: string, { index, sinceAt, untilAt }: RowQuery): string[] {
  const conditions = [`tenant_id = ${values.at(tenantId, 'text')}`]
  if (index) conditions.push(`key_${index.name} = ${values.at(index.value, 'text')}`)
  if (sinceAt !== undefined) conditions.push(`at >= ${values.at(sinceAt, 'bigint')}`)
  if (untilAt !== undefined) conditions.push(`at < ${values.at(untilAt, 'bigint')}`)
  return conditions
}

function changeOf(values: Values, { kind, tenantId, id, when, put }: RowWrite): string {
  const table = tableOf(kind)
  const place = { tenant_id: values.at(tenantId, 'text'), id: values.at(id, 'text') }
  const where = (version: number): string =>
    `WHERE tenant_id = ${place.tenant_id} AND id = ${place.id} AND version = ${values.at(version, 'integer')}`
  if (!put) {
    if (when === 'absent') throw new TypeError('a row that is absent cannot be removed')
    return `DELETE FROM ${table} ${where(when)}`
  }
  const columns: Record<string, string> = { record: values.at(JSON.stringify(put.record), 'jsonb') }
  for (const index of ROW_KINDS[kind]) columns[`key_${index}`] = values.at(put.keys[index] ?? null, 'text')
  if (isQueue(kind)) {
    columns['queue'] = values.at(put.due?.queue ?? null, 'text')
    columns['due_at'] = values.at(put.due?.at ?? null, 'bigint')
  }
  if (when === 'absent') {
    const all = { ...place, at: values.at(put.at, 'bigint'), version: '1', ...columns }
    return `INSERT INTO ${table} (${Object.keys(all).join(', ')}) VALUES (${Object.values(all).join(', ')}) ON CONFLICT DO NOTHING`
  }
  const set = Object.entries(columns).map(([column, value]) => `${column} = ${value}`)
  return `UPDATE ${table} SET version = version + 1, ${set.join(', ')} ${where(when)}`
}

function toRow(row: SqlRow): Row {
  const { tenant_id: tenantId, id, version, at_ms: at, record, takes } = row
  return {
    tenantId: String(tenantId),
    id: String(id),
    version: Number(version),
    at: Number(at),
    record,
    ...(takes !== undefined && { takes: Number(takes) }),
  }
}

function toEventRow(row: SqlRow): EventRow {
  return {
    tenantId: String(row['tenant_id']),
    id: String(row['id']),
    key: String(row['key']),
    version: Number(row['version']),
    occurredAt: Number(row['occurred_at']),
    record: row['record'],
    takes: Number(row['takes']),
  }
}

/** What an `UPDATE` returns is in no order. */
const byMoment =
  (...columns: readonly string[]) =>
  (a: SqlRow, b: SqlRow): number => {
    for (const column of columns) {
      const difference = Number(a[column]) - Number(b[column])
      if (difference !== 0) return difference
    }
    return String(a['id']) < String(b['id']) ? -1 : 1
  }
