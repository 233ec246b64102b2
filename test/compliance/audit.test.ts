import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  auditToCsv,
  auditToJsonLines,
  EMPTY_CHAIN,
  parseAuditJsonLines,
  sealAuditRecord,
  verifyChain,
} from '../../src/compliance/audit.js'
import { createAuditWriter } from '../../src/compliance/audit-writer.js'
import { canonicalJson } from '../../src/compliance/canonical-json.js'
import type { AuditRecord } from '../../src/records/audit-record.js'
import { ListStore } from './support/memory-store.js'

function chainOf(length: number): AuditRecord[] {
  const records: AuditRecord[] = []
  let head = EMPTY_CHAIN
  for (let i = 0; i < length; i++) {
    const record = sealAuditRecord(
      { tenantId: 't', recordedAt: 1000 + i, kind: 'decision', payload: { i, note: 'ü' } },
      head,
    )
    records.push(record)
    head = { sequence: record.sequence, hash: record.hash }
  }
  return records
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}

describe('the chain', () => {
  test('as it was written is intact, and says where it ends', async () => {
    const records = chainOf(5)
    expect(await verifyChain(records)).toEqual({
      isIntact: true,
      count: 5,
      head: { sequence: 5, hash: records[4]!.hash },
    })
    expect(await verifyChain([])).toEqual({ isIntact: true, count: 0, head: EMPTY_CHAIN })
  })

  test('a known record has a known hash, so that others can compute it too', () => {
    const record = sealAuditRecord(
      { tenantId: 't', recordedAt: 1, kind: 'decision', payload: { b: 1, a: 2 } },
      EMPTY_CHAIN,
    )
    expect(record.payload).toBe('{"a":2,"b":1}')
    expect(record.hash).toBe('a2d9997e3754aaab456593701b10bbdbbcafdcade16620b67bf3f758afe2deed')
  })

  test('any change to any field of any record shows', async () => {
    const field = fc.constantFrom('sequence', 'recordedAt', 'kind', 'payload', 'previousHash', 'hash', 'tenantId')
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 4 }), field, async (place, name) => {
        const records = chainOf(5)
        const record = records[place]!
        const value = record[name]
        records[place] = { ...record, [name]: typeof value === 'number' ? value + 1 : `${value}0` }
        expect(await verifyChain(records)).toMatchObject({ isIntact: false })
      }),
    )
  })

  test.each<[string, (records: AuditRecord[]) => unknown, string]>([
    ['dropped from the middle', (records) => records.splice(2, 1), 'not-linked'],
    ['dropped from the beginning', (records) => records.shift(), 'not-linked'],
    ['swapped', (records) => records.splice(1, 2, records[2]!, records[1]!), 'not-linked'],
    ['written twice', (records) => records.splice(2, 0, records[1]!), 'not-linked'],
    ['of another tenant', (records) => (records[3] = { ...records[3]!, tenantId: 'u' }), 'other-tenant'],
  ])('a record %s shows', async (_name, tamper, problem) => {
    const records = chainOf(5)
    tamper(records)
    expect(await verifyChain(records)).toMatchObject({ isIntact: false, problem })
  })

  test('records cut off at the end show against a head that was kept elsewhere', async () => {
    const records = chainOf(5)
    const until = { sequence: 5, hash: records[4]!.hash }
    expect(await verifyChain(records, { until })).toMatchObject({ isIntact: true })
    expect(await verifyChain(records.slice(0, 3), { until })).toMatchObject({
      isIntact: false,
      problem: 'cut-off',
      sequence: 3,
    })
  })

  test('a chain forged from scratch shows against a head that was kept elsewhere', async () => {
    const until = { sequence: 3, hash: 'f'.repeat(64) }
    expect(await verifyChain(chainOf(5), { until })).toMatchObject({ isIntact: false, problem: 'altered', sequence: 3 })
  })

  test('a stretch can be checked from the head before it', async () => {
    const records = chainOf(5)
    const from = { sequence: 2, hash: records[1]!.hash }
    expect(await verifyChain(records.slice(2), { from })).toMatchObject({ isIntact: true, count: 3 })
  })
})

describe('exports', () => {
  test('JSON Lines come back as the same records, and verify', async () => {
    const records = chainOf(4)
    const lines = await collect(auditToJsonLines(records))
    expect(lines).toHaveLength(4)
    expect(await collect(parseAuditJsonLines(lines))).toEqual(records)
    expect(await verifyChain(parseAuditJsonLines(lines))).toMatchObject({ isIntact: true, count: 4 })
  })

  test.each(['{', '[]', 'null', '{"tenantId":"t"}', '7'])(
    'a line that is no record is named by its number: %s',
    async (bad) => {
      const lines = [...(await collect(auditToJsonLines(chainOf(1)))), '\n', bad]
      await expect(collect(parseAuditJsonLines(lines))).rejects.toMatchObject({
        code: 'compliance_audit_unreadable',
        details: { lineNumber: 3 },
      })
    },
  )

  test('CSV quotes what has to be quoted and defuses formulas', async () => {
    const payload = {
      decisionId: '=HYPERLINK("x")',
      leadId: 'a,"b"\nc',
      decision: { outcome: 'refuse', failedChecks: ['notOnDNC', 'rateLimitOK'], nextAllowedAt: 0 },
    }
    const record = sealAuditRecord({ tenantId: 't', recordedAt: 0, kind: 'decision', payload }, EMPTY_CHAIN)
    const [header, row] = await collect(auditToCsv([record]))
    expect(header).toBe(
      'tenantId,sequence,recordedAt,kind,decisionId,leadId,campaignId,outcome,failedChecks,nextAllowedAt,payload,previousHash,hash\r\n',
    )
    expect(row).toContain(
      `t,1,1970-01-01T00:00:00.000Z,decision,"'=HYPERLINK(""x"")","a,""b""\nc",,refuse,notOnDNC rateLimitOK,1970-01-01T00:00:00.000Z,"{`,
    )
    expect(row!.endsWith(`${record.previousHash},${record.hash}\r\n`)).toBe(true)
  })
})

describe('the writer', () => {
  test('many at once make one chain', async () => {
    const store = new ListStore()
    const writer = createAuditWriter(store)
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        writer.write({ tenantId: 't', recordedAt: i, kind: 'decision', payload: i }),
      ),
    )
    expect(store.records.map((record) => record.payload)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)))
    expect(await verifyChain(store.readAudit({ tenantId: 't' }))).toMatchObject({ isIntact: true, count: 50 })
  })

  test('two processes make one chain, and tenants do not share one', async () => {
    const store = new ListStore()
    const writers = [createAuditWriter(store), createAuditWriter(store)]
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        writers[i % 2]!.write({ tenantId: i % 3 === 0 ? 'u' : 't', recordedAt: i, kind: 'decision', payload: i }),
      ),
    )
    expect(await verifyChain(store.readAudit({ tenantId: 't' }))).toMatchObject({ isIntact: true, count: 26 })
    expect(await verifyChain(store.readAudit({ tenantId: 'u' }))).toMatchObject({ isIntact: true, count: 14 })
  })

  test('a store that failed once is asked anew', async () => {
    const store = new ListStore()
    const writer = createAuditWriter(store)
    const append = store.appendAudit
    store.appendAudit = () => Promise.reject(new Error('disk'))
    await expect(writer.write({ tenantId: 't', recordedAt: 1, kind: 'decision', payload: 1 })).rejects.toThrow('disk')
    store.appendAudit = append
    expect(await writer.write({ tenantId: 't', recordedAt: 2, kind: 'decision', payload: 2 })).toMatchObject({
      sequence: 1,
    })
  })
})

describe('canonical JSON', () => {
  test('has one spelling for a value', () => {
    expect(canonicalJson({ b: [1, 'x', null], a: { d: true, c: undefined } })).toBe('{"a":{"d":true},"b":[1,"x",null]}')
  })

  test('round-trips and ignores the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })

  test.each([Number.NaN, Infinity, 1n, () => 0, Symbol('x')])('refuses what JSON cannot say', (value) => {
    expect(() => canonicalJson({ value })).toThrow(TypeError)
  })

  test('refuses a cycle', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    expect(() => canonicalJson(cycle)).toThrow(TypeError)
  })
})
