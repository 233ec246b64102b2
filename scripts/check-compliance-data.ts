/**
 * Checks the compliance data for shape and completeness, and that the shipped rule pack was made from it.
 *
 *   npx tsx scripts/check-compliance-data.ts           checks; exits 1 and lists what is wrong
 *   npx tsx scripts/check-compliance-data.ts --write   checks the sources, then makes the rule pack anew
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compact, kindOf, render, type SourceAreaCodes, type SourceStateRules } from './compact-compliance-data.js'

const DATA = new URL('../src/compliance/data/', import.meta.url)
const PACK = new URL('rule-pack-data.ts', DATA)

const STATES =
  'AK AL AR AS AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MP MS MT NC ND NE NH NJ NM NV NY OH OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY'.split(
    ' ',
  )
const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const DATE = /^\d{4}-\d{2}-\d{2}$/
const CLOCK = /^([01]\d|2[0-4]):[0-5]\d$/

function isZone(zone: string): boolean {
  try {
    return zone.includes('/') && Boolean(new Intl.DateTimeFormat('en-US', { timeZone: zone }))
  } catch {
    return false
  }
}

/** What is wrong with the list of area codes, a line each. */
export function checkAreaCodes({ meta, npas }: SourceAreaCodes): string[] {
  const wrong: string[] = []
  const seen = new Map(npas.map((row) => [row.npa, row]))
  if (!DATE.test(meta.asOf)) wrong.push('nanp.json: meta.asOf is no date')
  if (seen.size !== npas.length) wrong.push('nanp.json: an area code stands twice')
  for (const row of npas) {
    const at = `nanp.json ${row.npa}`
    if (!/^[2-9]\d\d$/.test(row.npa)) wrong.push(`${at}: is no area code`)
    if (!['in-service', 'assigned'].includes(row.status)) wrong.push(`${at}: status ${row.status} is unknown`)
    for (const zone of row.timezones) if (!isZone(zone)) wrong.push(`${at}: the runtime does not know ${zone}`)
    if (row.country === 'US' && row.type === 'geographic') {
      if (!STATES.includes(row.region ?? '')) wrong.push(`${at}: region ${String(row.region)} is no state`)
      if (row.timezones.length === 0) wrong.push(`${at}: has no zone`)
      if (row.status === 'in-service' && !DATE.test(row.inServiceDate ?? '')) wrong.push(`${at}: has no service date`)
    }
    if (row.timezones.length > 1 !== (row.splitTimezone ?? false)) wrong.push(`${at}: splitTimezone and zones disagree`)
    for (const other of row.overlay ?? []) {
      const partner = seen.get(other)
      if (!partner) wrong.push(`${at}: overlay ${other} is missing`)
      else if (row.country === 'US' && JSON.stringify(partner.timezones) !== JSON.stringify(row.timezones)) {
        wrong.push(`${at}: has other zones than its overlay ${other}`)
      } else if (row.country === 'US' && partner.region !== row.region) {
        wrong.push(`${at}: is in another state than its overlay ${other}`)
      }
    }
  }
  const us = npas.filter((row) => row.country === 'US' && row.type === 'geographic')
  const counts: Readonly<Record<string, number>> = {
    total: npas.length,
    usGeographic: us.length,
    usGeographicInService: npas.filter((row) => kindOf(row) === 'us').length,
    canadaGeographic: npas.filter((row) => row.country === 'CA' && row.type === 'geographic').length,
    otherNanpCountries: npas.filter((row) => kindOf(row) === 'other-country').length,
    tollFree: npas.filter((row) => row.type === 'toll-free').length,
    splitTimezoneUs: us.filter((row) => row.timezones.length > 1).length,
  }
  for (const [name, count] of Object.entries(counts)) {
    if (meta.counts[name] !== count)
      wrong.push(`nanp.json: ${name} is ${count}, meta says ${String(meta.counts[name])}`)
  }
  for (const state of STATES)
    if (!us.some((row) => row.region === state)) wrong.push(`nanp.json: ${state} has no area code`)
  return wrong
}

/** What is wrong with the rules of the states, a line each. */
export function checkStateRules(rules: SourceStateRules, areaCodes: SourceAreaCodes): string[] {
  const wrong: string[] = []
  if (!DATE.test(rules.meta.asOf)) wrong.push('state-rules.json: meta.asOf is no date')
  const codes = Object.keys(rules.states)
  for (const state of STATES) if (!codes.includes(state)) wrong.push(`state-rules.json: ${state} is missing`)
  for (const code of codes) if (!STATES.includes(code)) wrong.push(`state-rules.json: ${code} is no state`)

  const checkWeek = (at: string, week: Readonly<Record<string, { start: string; end: string } | null>>): void => {
    for (const day of WEEKDAYS) {
      const hours = week[day]
      if (hours === undefined) wrong.push(`${at}: ${day} is missing`)
      else if (hours !== null && !(CLOCK.test(hours.start) && CLOCK.test(hours.end) && hours.start < hours.end)) {
        wrong.push(`${at}: ${day} is no window`)
      } else if (hours !== null && (hours.start < '08:00' || hours.end > '21:00')) {
        wrong.push(`${at}: ${day} is wider than the federal window`)
      }
    }
  }
  checkWeek('state-rules.json federal', rules.federal.callingHours)
  for (const [code, state] of Object.entries(rules.states)) {
    const at = `state-rules.json ${code}`
    checkWeek(at, state.callingHours)
    if (state.automatedCallingHours) checkWeek(`${at} automated`, state.automatedCallingHours)
    if (state.automatedCallingHours && !(state.automatedCite && state.automatedConfidence)) {
      wrong.push(`${at}: automated hours without a source`)
    }
    if (state.priorCallingHours) checkWeek(`${at} prior`, state.priorCallingHours.callingHours)
    if (!state.cite || !['high', 'medium', 'low'].includes(state.confidence)) wrong.push(`${at}: no source`)
    if (state.maxAttemptsPer24h !== null && !state.maxAttemptsCite) wrong.push(`${at}: cap without a source`)
    for (const listId of [state.holidayListId, state.automatedHolidayHours?.listId]) {
      if (listId && !rules.holidayLists[listId]) wrong.push(`${at}: holiday list ${listId} is missing`)
    }
    if (state.holidaysProhibited !== (state.holidayListId !== null)) wrong.push(`${at}: holidays and list disagree`)
    const zones = new Set(
      areaCodes.npas.filter((row) => row.country === 'US' && row.region === code).flatMap((row) => row.timezones),
    )
    for (const zone of zones) if (!state.timezones.includes(zone)) wrong.push(`${at}: lacks the zone ${zone}`)
    for (const zone of state.timezones) if (!isZone(zone)) wrong.push(`${at}: the runtime does not know ${zone}`)
  }
  for (const [listId, list] of Object.entries(rules.holidayLists)) {
    const years = Object.keys(list.dates)
    if (years.length < 2) wrong.push(`holiday list ${listId}: fewer than two years`)
    for (const [year, dates] of Object.entries(list.dates)) {
      if (dates.length < 8) wrong.push(`holiday list ${listId}: only ${dates.length} days in ${year}`)
      for (const date of dates) {
        const isDate = DATE.test(date) && new Date(`${date}T00:00Z`).toISOString().startsWith(date)
        if (!isDate || !date.startsWith(year)) wrong.push(`holiday list ${listId}: ${date} does not belong to ${year}`)
      }
    }
  }
  return wrong
}

function main(): number {
  const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, DATA), 'utf8'))
  const areaCodes = read('nanp.json') as SourceAreaCodes
  const rules = read('state-rules.json') as SourceStateRules
  const wrong = [...checkAreaCodes(areaCodes), ...checkStateRules(rules, areaCodes)]
  if (wrong.length === 0) {
    const made = render(compact(areaCodes, rules))
    if (process.argv.includes('--write')) writeFileSync(PACK, made)
    else if (readFileSync(PACK, 'utf8') !== made)
      wrong.push('rule-pack-data.ts is not what the sources make: run with --write')
  }
  for (const line of wrong) console.error(line)
  if (wrong.length === 0) {
    const states = Object.keys(rules.states).length
    console.log(`${areaCodes.npas.length} area codes, ${states} states and territories: nothing wrong`)
  }
  return wrong.length === 0 ? 0 : 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main()
