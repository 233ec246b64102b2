/** Runs the published suite on the driver of this folder, and looks whether what it kept is there after a restart. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStore, type Store } from 'callweave/storage'
import { conformanceCases } from 'callweave/storage/conformance'
import { systemClock } from '../../src/core/clock.js'
import { openFileEngine } from './file-engine.js'

const directory = mkdtempSync(join(tmpdir(), 'own-store-'))
let failed = 0

for (const [position, { name, run }] of conformanceCases.entries()) {
  let store: Promise<Store> | undefined
  try {
    // These five lines are all that a driver needs to be proved. Both "processes" of a case share one journal, so they share one engine.
    await run(({ clock = systemClock }) => {
      store ??= openFileEngine(join(directory, `${position}.jsonl`), clock).then((engine) =>
        createStore(engine, { clock }),
      )
      return store
    })
    console.log(`ok    ${name}`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}`, error)
  }
}

const path = join(directory, 'restart.jsonl')
const before = createStore(await openFileEngine(path, systemClock))
await before.claimKey({ tenantId: 't1', key: 'CA1/completed', leaseMs: 60_000 })
await before.addCall({
  tenantId: 't1',
  callSid: 'CA1',
  direction: 'inbound',
  from: '+15550001111',
  to: '+15550002222',
  callStatus: 'ringing',
})
const after = createStore(await openFileEngine(path, systemClock))
const [call, claim] = [
  await after.findCall({ tenantId: 't1', callSid: 'CA1' }),
  await after.claimKey({ tenantId: 't1', key: 'CA1/completed', leaseMs: 1 }),
]
if (call?.callStatus !== 'ringing' || claim.outcome !== 'in-progress') failed++

rmSync(directory, { recursive: true })
console.log(
  failed === 0 ? `all ${conformanceCases.length} cases hold, and what was kept outlives a restart` : `${failed} failed`,
)
process.exitCode = failed === 0 ? 0 : 1
