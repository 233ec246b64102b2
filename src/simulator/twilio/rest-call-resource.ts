/**
 * A call as the REST API shows it.
 *
 * @see https://www.twilio.com/docs/voice/api/call-resource (read 2026-11-21)
 * @module
 */
import type { SimulatedCall } from './simulated-call.js'
import { API_VERSION, rfc2822 } from './voice-parameters.js'

const SUBRESOURCES = ['events', 'notifications', 'payments', 'recordings', 'siprec', 'streams', 'transcriptions', 'user_defined_message_subscriptions', 'user_defined_messages'] // prettier-ignore

/** The resource: dates as RFC 2822, numbers as strings, what is not known yet as `null`. */
export function callResource(call: SimulatedCall): Record<string, unknown> {
  const base = `/${API_VERSION}/Accounts/${call.accountSid}/Calls/${call.sid}`
  const date = (atMs: number | undefined): string | null => (atMs === undefined ? null : rfc2822(atMs))
  return {
    sid: call.sid,
    account_sid: call.accountSid,
    parent_call_sid: null,
    api_version: API_VERSION,
    status: call.status,
    direction: call.direction,
    to: call.to,
    to_formatted: call.to,
    from: call.from,
    from_formatted: call.from,
    phone_number_sid: null,
    date_created: date(call.createdAt),
    date_updated: date(call.endedAt ?? call.answeredAt ?? call.createdAt),
    start_time: date(call.answeredAt),
    end_time: date(call.endedAt),
    duration: call.end ? String(Math.round(call.end.durationMs / 1000)) : null,
    price: null,
    price_unit: 'USD',
    answered_by: call.answeredBy ?? null,
    forwarded_from: null,
    group_sid: null,
    caller_name: null,
    queue_time: '0',
    trunk_sid: null,
    annotation: null,
    uri: `${base}.json`,
    subresource_uris: Object.fromEntries(SUBRESOURCES.map((name) => [name, `${base}/${camelCase(name)}.json`])),
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/(^|_)([a-z])/g, (_, _separator, letter: string) => letter.toUpperCase())
}
