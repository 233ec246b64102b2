export { createRedisEngine, createRedisStore, type RedisStoreOptions } from './redis-store.js'
export { REDIS_SHAPE_VERSION, type RedisClient } from './engine.js'
