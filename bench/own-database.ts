/**
 * A database of a measurement's own on a PostgreSQL server, gone afterwards.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'

/** Makes one, gives its address to `body`, and drops it whatever happens. */
export async function withOwnDatabase<T>(serverUrl: string, body: (url: string) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: serverUrl })
  await admin.connect()
  const name = `callweave_bench_${randomUUID().slice(0, 8)}`
  await admin.query(`CREATE DATABASE ${name}`)
  try {
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    return await body(url.href)
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.end()
  }
}
