export { createMongoEngine, createMongoStore, type MongoStoreOptions } from './mongodb-store.js'
export { MONGO_SHAPE_VERSION } from './engine.js'
export type { MongoCollection, MongoCursor, MongoDatabase, MongoDocument } from './client.js'
