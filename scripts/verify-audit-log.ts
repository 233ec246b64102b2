/**
 * Verifies an exported audit log (JSON Lines, one tenant).
 *
 *   npx tsx scripts/verify-audit-log.ts audit.jsonl
 *   npx tsx scripts/verify-audit-log.ts audit.jsonl 1042:9f3c…   the head that was kept elsewhere: sequence and hash
 *
 * Exits 0 when the chain is intact, 1 when it is not, 2 when the file cannot be read.
 *
 * @module
 */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseAuditJsonLines, verifyChain } from '../src/compliance/audit.js'

const [path, kept] = process.argv.slice(2)
if (path === undefined) {
  console.error('usage: verify-audit-log.ts FILE [SEQUENCE:HASH]')
  process.exitCode = 2
} else {
  const [sequence, hash] = kept?.split(':') ?? []
  const until = hash === undefined ? undefined : { sequence: Number(sequence), hash }
  try {
    const lines = createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })
    const verdict = await verifyChain(parseAuditJsonLines(lines), until ? { until } : {})
    if (verdict.isIntact) {
      console.log(`intact: ${verdict.count} records, head ${verdict.head.sequence}:${verdict.head.hash}`)
    } else {
      console.error(
        `broken at record ${verdict.sequence}: ${verdict.problem} (${verdict.count} records before it are fine)`,
      )
      process.exitCode = 1
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}
