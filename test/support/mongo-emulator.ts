/**
 * Speaks enough of MongoDB's wire protocol (OP_MSG, https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/) that MongoDB's own driver
 * works against it. It is not MongoDB: one command runs at a time, nothing is kept, plans and indexes mean nothing. It shows that the driver's
 * requests and our logic fit together; what a real server does under load only a real server shows (MONGODB_URL).
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { aggregate, Query, updateOne } from 'mingo'
import { BSON } from 'mongodb'

type Doc = Record<string, unknown>

export interface MongoEmulator {
  readonly url: string
  close(): Promise<void>
}

const OP_MSG = 2013
const OP_QUERY = 2004
const OP_REPLY = 1

export async function startMongoEmulator(): Promise<MongoEmulator> {
  const collections = new Map<string, Doc[]>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let buffered = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk])
      while (buffered.length >= 16 && buffered.length >= buffered.readInt32LE(0)) {
        const length = buffered.readInt32LE(0)
        socket.write(answer(buffered.subarray(0, length), collections))
        buffered = buffered.subarray(length)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `mongodb://127.0.0.1:${(server.address() as AddressInfo).port}/?directConnection=true`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

function answer(message: Buffer, collections: Map<string, Doc[]>): Buffer {
  const requestId = message.readInt32LE(4)
  const opcode = message.readInt32LE(12)
  if (opcode === OP_QUERY) {
    // Only the first hello of a connection comes this way.
    const head = Buffer.alloc(20)
    head.writeInt32LE(1, 16)
    return framed(OP_REPLY, requestId, Buffer.concat([head, BSON.serialize(hello())]))
  }
  const command = parsed(message)
  let reply: Doc
  try {
    reply = { ok: 1, ...run(command, collections) }
  } catch (error) {
    reply = { ok: 0, errmsg: String(error), code: 2 }
  }
  return framed(OP_MSG, requestId, Buffer.concat([Buffer.alloc(5), BSON.serialize(reply, { ignoreUndefined: true })]))
}

function framed(opcode: number, responseTo: number, body: Buffer): Buffer {
  const head = Buffer.alloc(16)
  head.writeInt32LE(16 + body.length, 0)
  head.writeInt32LE(1, 4)
  head.writeInt32LE(responseTo, 8)
  head.writeInt32LE(opcode, 12)
  return Buffer.concat([head, body])
}

/** The command, with the documents of its other sections in place. */
function parsed(message: Buffer): Doc {
  const command: Doc = {}
  let offset = 20
  while (offset < message.length) {
    const section = message.readUInt8(offset++)
    const size = message.readInt32LE(offset)
    if (section === 0) Object.assign(command, BSON.deserialize(message.subarray(offset, offset + size)))
    else {
      const end = message.indexOf(0, offset + 4)
      const documents: Doc[] = []
      for (let at = end + 1; at < offset + size; at += message.readInt32LE(at)) {
        documents.push(BSON.deserialize(message.subarray(at, at + message.readInt32LE(at))))
      }
      command[message.toString('utf8', offset + 4, end)] = documents
    }
    offset += size
  }
  return command
}

const hello = (): Doc => ({
  ok: 1,
  isWritablePrimary: true,
  helloOk: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: new Date(),
  minWireVersion: 0,
  maxWireVersion: 21,
})

function run(command: Doc, collections: Map<string, Doc[]>): Doc {
  const [name = '', collectionName] = Object.entries(command)[0] ?? []
  const key = `${String(command['$db'])}.${String(collectionName)}`
  const documents = collections.get(key) ?? []
  collections.set(key, documents)
  const batch = (found: unknown[]): Doc => ({ cursor: { id: BSON.Long.ZERO, ns: key, firstBatch: found } })

  switch (name) {
    case 'hello':
    case 'isMaster':
    case 'ismaster':
      return hello()
    case 'ping':
    case 'endSessions':
    case 'createIndexes':
    case 'dropDatabase':
      return {}
    case 'insert':
      return insert(command['documents'] as Doc[], documents)
    case 'find': {
      let cursor = new Query(command['filter'] ?? {}, {}).find<Doc>(documents)
      if (command['sort']) cursor = cursor.sort(command['sort'] as Record<string, 1 | -1>)
      if (command['limit']) cursor = cursor.limit(Number(command['limit']))
      return batch(cursor.all())
    }
    case 'aggregate':
      return batch(aggregate(documents, command['pipeline'] as Doc[]))
    case 'update': {
      let [n, nModified] = [0, 0]
      const upserted: Doc[] = []
      for (const { q, u, upsert } of command['updates'] as { q: Doc; u: Doc; upsert?: boolean }[]) {
        const { $setOnInsert = {}, ...change } = u as { $setOnInsert?: Doc }
        if (upsert && !documents.some((document) => new Query(q, {}).test(document))) {
          const fresh: Doc = { _id: q['_id'], ...$setOnInsert }
          for (const field of Object.keys((change as { $push?: Doc }).$push ?? {})) fresh[field] = []
          documents.push(fresh)
          upserted.push({ index: 0, _id: q['_id'] })
        }
        if (Object.keys(change).length === 0) continue
        const result = updateOne(documents, q, change)
        n += result.matchedCount
        nModified += result.modifiedCount
      }
      return { n, nModified, ...(upserted.length > 0 && { upserted }) }
    }
    case 'findAndModify': {
      const found = documents.find((document) => new Query(command['query'] as Doc, {}).test(document))
      if (!found) return { value: null, lastErrorObject: { n: 0, updatedExisting: false } }
      const before = structuredClone(found)
      updateOne(documents, { _id: found['_id'] }, command['update'] as Doc)
      const after = documents.find((document) => document['_id'] === before['_id'])
      return { value: command['new'] ? after : before, lastErrorObject: { n: 1, updatedExisting: true } }
    }
    case 'delete': {
      let n = 0
      for (const { q, limit } of command['deletes'] as { q: Doc; limit: number }[]) {
        const query = new Query(q, {})
        for (let i = documents.length - 1; i >= 0; i--) {
          if (!query.test(documents[i]!)) continue
          documents.splice(i, 1)
          n++
          if (limit === 1) break
        }
      }
      return { n }
    }
    default:
      throw new Error(`the emulator does not know the command ${name}`)
  }
}

function insert(fresh: readonly Doc[], documents: Doc[]): Doc {
  const writeErrors: Doc[] = []
  fresh.forEach((document, index) => {
    if (documents.some(({ _id }) => _id === document['_id'])) {
      writeErrors.push({ index, code: 11_000, errmsg: 'E11000 duplicate key error', keyPattern: { _id: 1 } })
    } else documents.push(document)
  })
  return { n: fresh.length - writeErrors.length, ...(writeErrors.length > 0 && { writeErrors }) }
}
