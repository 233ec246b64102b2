export { createPostgresEngine, createPostgresStore, type PostgresStoreOptions } from './postgres-store.js'
export type { SqlClient } from './engine.js'
export { SCHEMA_VERSION } from './migrations.js'
