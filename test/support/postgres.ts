import { randomUUID } from 'node:crypto'
import pg from 'pg'

/** Where a real PostgreSQL is, if there is one. */
export const databaseUrl = process.env['DATABASE_URL']

/** A database of its own on the server of `DATABASE_URL`, with a pool on it. */
export async function ownDatabase(max = 10): Promise<{ pool: pg.Pool; url: string; drop: () => Promise<void> }> {
  const name = `callweave_${randomUUID().replaceAll('-', '')}`
  const admin = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  await admin.query(`CREATE DATABASE ${name}`)
  const url = new URL(databaseUrl ?? '')
  url.pathname = `/${name}`
  const pool = new pg.Pool({ connectionString: url.href, max })
  pool.on('error', () => undefined) // a connection that is cut while it idles; tests cut some on purpose
  return {
    pool,
    url: url.href,
    drop: async () => {
      await pool.end()
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
      await admin.end()
    },
  }
}
