/**
 * What a language model sent as parameters, made into what the schema wants where that is safe: text to numbers and truth
 * values, an object that was sent as text. Anything else is left for the schema to refuse.
 *
 * @module
 */
import type { JsonSchema, SchemaIssue, StandardSchema } from './standard-schema.js'

/** Longest parameters that are looked at, in characters of JSON. */
const MAX_PARAMETER_CHARS = 64 * 1024
const MAX_DEPTH = 12
const MAX_KEYS = 512
/** Names that reach into an object’s prototype; a model has no business with them. */
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** What an agent is told that sent something else. */
export const NO_OBJECT_SENTENCE = 'The parameters must be one JSON object with named values.'

/** Parameters as the schema gave them, or a sentence that says what is wrong with them. */
export type CheckedParameters = { readonly value: unknown } | { readonly error: string }

/** Reads, coerces and checks the parameters of one request. Never throws for what was sent. */
export async function checkParameters(
  raw: unknown,
  schema: StandardSchema,
  jsonSchema: JsonSchema,
): Promise<CheckedParameters> {
  const read = readObject(raw)
  if ('error' in read) return read
  const coerced = coerce(read.value, jsonSchema, MAX_DEPTH)
  const result = await schema['~standard'].validate(coerced)
  if (!result.issues) return { value: result.value }
  return { error: sentenceOf(result.issues, coerced) }
}

function readObject(raw: unknown): { readonly value: Record<string, unknown> } | { readonly error: string } {
  let value: unknown = raw ?? {}
  if (typeof value === 'string') {
    if (value.length > MAX_PARAMETER_CHARS) return { error: 'The parameters are too long.' }
    try {
      value = value.trim() === '' ? {} : (JSON.parse(value) as unknown)
    } catch {
      return { error: 'The parameters must be a JSON object.' }
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: NO_OBJECT_SENTENCE }
  }
  const budget = { keys: MAX_KEYS, chars: MAX_PARAMETER_CHARS }
  const clean = cleanCopy(value, MAX_DEPTH, budget)
  if (budget.keys < 0 || budget.chars < 0 || clean === TOO_DEEP) return { error: 'The parameters are too long.' }
  return { value: clean as Record<string, unknown> }
}

const TOO_DEEP: unique symbol = Symbol('too deep')

/** A copy that holds only what JSON can, without prototype keys. Stops as soon as a budget is spent. */
function cleanCopy(value: unknown, depth: number, budget: { keys: number; chars: number }): unknown {
  if (typeof value === 'string') budget.chars -= value.length
  if (budget.chars < 0 || budget.keys < 0) return undefined
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value
  if (depth === 0) return TOO_DEEP
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value as unknown[]) {
      if (--budget.keys < 0) return undefined
      const copy = cleanCopy(item, depth - 1, budget)
      if (copy === TOO_DEEP) return TOO_DEEP
      items.push(copy)
    }
    return items
  }
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    budget.chars -= key.length
    if (--budget.keys < 0) return undefined
    if (PROTOTYPE_KEYS.has(key)) continue
    const inner = cleanCopy(item, depth - 1, budget)
    if (inner === TOO_DEEP) return TOO_DEEP
    copy[key] = inner
  }
  return copy
}

function coerce(value: unknown, schema: unknown, depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth === 0) return value
  const { type, properties, items } = schema as { type?: unknown; properties?: unknown; items?: unknown }
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? coerceObject(value as Record<string, unknown>, schema, properties, depth)
        : value
    case 'array':
      return Array.isArray(value) ? value.map((item: unknown) => coerce(item, items, depth - 1)) : value
    case 'number':
    case 'integer':
      return typeof value === 'string' ? numberOf(value) : value
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value
    case 'string':
      return typeof value === 'number' ? String(value) : value
    default:
      return value
  }
}

function coerceObject(
  value: Record<string, unknown>,
  schema: object,
  properties: unknown,
  depth: number,
): Record<string, unknown> {
  const known = (properties ?? {}) as Readonly<Record<string, unknown>>
  const required = (schema as { required?: readonly string[] }).required ?? []
  const out: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    // A model that has nothing to say for an optional value says null, or nothing between quotes.
    if (!required.includes(key) && Object.hasOwn(known, key) && (item === null || item === '')) continue
    out[key] = Object.hasOwn(known, key) ? coerce(item, known[key], depth - 1) : item
  }
  return out
}

function numberOf(text: string): unknown {
  return /^\s*-?\d{1,15}(\.\d{1,15})?\s*$/.test(text) ? Number(text) : text
}

/** A sentence for the agent: which values are missing, and what is wrong with the others. Values themselves are not repeated. */
function sentenceOf(issues: readonly SchemaIssue[], value: unknown): string {
  const missing: string[] = []
  const wrong: string[] = []
  for (const issue of issues.slice(0, 8)) {
    const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part))
    const name = path.join('.')
    if (name !== '' && valueAt(value, path) === undefined) missing.push(name)
    else wrong.push(name === '' ? issue.message : `${name}: ${issue.message}`)
  }
  const parts: string[] = []
  if (missing.length > 0) parts.push(`${listOf(missing)} ${missing.length === 1 ? 'is' : 'are'} required`)
  parts.push(...wrong)
  return parts.join('; ').slice(0, 500)
}

/** `a`, `a and b`, `a, b, and c`. */
function listOf(names: readonly string[]): string {
  if (names.length < 3) return names.join(' and ')
  return `${names.slice(0, -1).join(', ')}, and ${names.at(-1) ?? ''}`
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined),
    value,
  )
}
