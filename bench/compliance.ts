/**
 * What a decision costs: decisions a second on one core, and the first one in a fresh process.
 *
 * Counted in processor time, so that what else runs on the machine does not count; the clock on the wall is told beside it.
 *
 *   npm run build && npx tsx bench/compliance.ts
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createPolicy, evaluate, loadRulePack, type CallFacts } from 'callweave/compliance'

const ROUNDS = 7
const DECISIONS = 60_000
const DAY_MS = 86_400_000

const rulePack = await loadRulePack()
const policy = createPolicy(rulePack)
const codes = ['212', '415', '305', '850', '928', '214', '401', '215', '907', '312', '702', '207']
const monday = Date.UTC(2026, 10, 30, 18, 0)

function factsOf(areaCode: string, attempts: number): CallFacts {
  const phoneNumber = `+1${areaCode}5550123`
  return {
    tenantId: 'tenant',
    leadId: 'lead',
    sellerId: 'seller',
    phoneNumber,
    purpose: 'marketing',
    consent: {
      tenantId: 'tenant',
      consentId: 'consent',
      phoneNumber,
      sellerId: 'seller',
      leadId: 'lead',
      kind: 'express-written',
      purposes: ['marketing'],
      obtainedAt: 0,
      expiresAt: null,
      source: 'form',
      revokedAt: null,
      revocationId: null,
      evidence: {
        signatureMethod: 'web-form',
        disclosureText: '',
        disclosureVersion: null,
        isArtificialVoiceDisclosed: true,
        isNotConditionDisclosed: true,
        formUrl: null,
        ipAddress: null,
        userAgent: null,
        reference: null,
      },
    },
    doNotCall: { national: { isListed: false, copiedAt: monday - DAY_MS }, states: {}, isInternal: false },
    automatedCallsAllowed: true,
    attemptsAt: Array.from({ length: attempts }, (_, i) => monday - (i + 1) * 3_600_000),
    attemptsRefusedUntilAt: null,
    timeZone: null,
    postalCode: null,
    state: null,
    lineType: null,
    reassigned: null,
    campaign: { campaignId: 'campaign', answered: 400, abandoned: 3 },
  }
}

const facts = codes.flatMap((code) => [0, 1, 2].map((attempts) => factsOf(code, attempts)))

/** Decisions a second over a day's worth of moments that begins at `from`. */
function measure(from: number, spanMs: number): { perSecond: number; allowed: number } {
  let allowed = 0
  const before = process.cpuUsage()
  for (let i = 0; i < DECISIONS; i++) {
    const at = from + Math.floor((i * spanMs) / DECISIONS)
    if (evaluate(facts[i % facts.length]!, policy, at).outcome === 'allow') allowed++
  }
  const { user, system } = process.cpuUsage(before)
  return { perSecond: DECISIONS / ((user + system) / 1e6), allowed: allowed / DECISIONS }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

measure(monday, 3_600_000) // warm
for (const [name, from, spanMs] of [
  ['in the afternoon, most allowed', monday, 2 * 3_600_000],
  ['around the clock, with the next moment', monday, DAY_MS],
] as const) {
  const runs = Array.from({ length: ROUNDS }, () => measure(from, spanMs))
  const perSecond = runs.map((run) => run.perSecond)
  console.log(
    `${name}: ${Math.round(median(perSecond)).toLocaleString('en')} decisions a second of one core ` +
      `(${Math.round(Math.min(...perSecond)).toLocaleString('en')} to ${Math.round(Math.max(...perSecond)).toLocaleString('en')}), ` +
      `${Math.round(runs[0]!.allowed * 100)} % allowed`,
  )
}

const FRESH = `
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
const wall = performance.now()
const t0 = cpu()
const { createPolicy, evaluate, loadRulePack } = await import(process.argv[1])
const t1 = cpu()
const policy = createPolicy(await loadRulePack())
const t2 = cpu()
const decision = evaluate(JSON.parse(process.argv[2]), policy, ${monday})
const t3 = cpu()
console.log(JSON.stringify([t1 - t0, t2 - t1, t3 - t2, t3 - t0, performance.now() - wall, decision.outcome]))
`
const entry = new URL('../dist/compliance.js', import.meta.url)
if (existsSync(entry)) {
  const runs = Array.from({ length: 15 }, () => {
    const args = ['--input-type=module', '-e', FRESH, entry.href, JSON.stringify(facts[0])]
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as number[]
  })
  const part = (place: number): string => median(runs.map((run) => run[place]!)).toFixed(1)
  console.log(
    `fresh process, median of ${runs.length}: import ${part(0)} ms, rule pack and policy ${part(1)} ms, first decision ${part(2)} ms, together ${part(3)} ms (${part(4)} ms on the wall)`,
  )
} else {
  console.log('fresh process: not measured, run npm run build first')
}
