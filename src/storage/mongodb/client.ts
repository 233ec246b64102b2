/**
 * The few members that we need of MongoDB's driver.
 *
 * @module
 */

/** A document, a filter or a change. */
export type MongoDocument = Record<string, unknown>

/** A cursor of the driver: https://mongodb.github.io/node-mongodb-native/7.0/classes/FindCursor.html (read 2026-11-27). */
export interface MongoCursor {
  sort(sort: Record<string, 1 | -1>): MongoCursor
  limit(limit: number): MongoCursor
  toArray(): Promise<MongoDocument[]>
}

/** A collection of the driver. Parameters are loose, so that a typed `Collection` fits. */
export interface MongoCollection {
  findOne(filter: MongoDocument): Promise<MongoDocument | null>
  find(filter: MongoDocument): MongoCursor
  countDocuments(filter: MongoDocument): Promise<number>
  insertOne(document: MongoDocument): Promise<unknown>
  updateOne(filter: MongoDocument, change: MongoDocument, options?: MongoDocument): Promise<{ matchedCount: number }>
  findOneAndUpdate(
    filter: MongoDocument,
    change: MongoDocument,
    options: { readonly projection?: MongoDocument; readonly returnDocument?: 'after' },
  ): Promise<MongoDocument | null>
  deleteOne(filter: MongoDocument): Promise<{ deletedCount: number }>
  deleteMany(filter: MongoDocument): Promise<{ deletedCount: number }>
  createIndex(keys: Record<string, 1 | -1>, options?: MongoDocument): Promise<unknown>
}

/** `Db` of the `mongodb` package. */
export interface MongoDatabase {
  collection(name: string): MongoCollection
  command(command: MongoDocument): Promise<MongoDocument>
}
