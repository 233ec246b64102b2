/**
 * The one place where the vendor's field names become ours: a shape is a list of our names, each with the name and the
 * schema that it has on the wire, and reads and writes both ways.
 *
 * @module
 */
import { z, type ZodType } from 'zod'

/** One field of a message: its name on the wire, and what stands there. */
export interface Field<S extends ZodType = ZodType, R extends boolean = boolean> {
  readonly wire: string
  readonly schema: S
  readonly isRequired: R
}

export type Fields = Readonly<Record<string, Field>>

type Value<F> = F extends Field<infer S> ? z.output<S> : never
type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<ZodType, true> ? K : never }[keyof F]

/** What a shape reads: our names, optional ones as optional properties. */
export type Shaped<F extends Fields> = Simplify<
  { readonly [K in RequiredKeys<F>]: Value<F[K]> } & {
    readonly [K in Exclude<keyof F, RequiredKeys<F>>]?: Value<F[K]> | undefined
  }
>

/** Shows a computed type as the plain object that it is. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** A field that is always there. */
export function required<S extends ZodType>(wire: string, schema: S): Field<S, true> {
  return { wire, schema, isRequired: true }
}

/** A field that may be absent or `null` on the wire; both read as absent. */
export function optional<S extends ZodType>(wire: string, schema: S): Field<S, false> {
  return { wire, schema, isRequired: false }
}

/**
 * A schema that parses the wire object into ours, and with `z.encode` writes ours as the wire object.
 *
 * @param unknownKeys - `'ignore'` for what the vendor sends, since it adds fields every month; `'refuse'` for what it is
 * sent. Writing refuses names that are not of the shape in any case: they are a mistake of the caller's.
 */
export function shape<const F extends Fields>(
  fields: F,
  unknownKeys: 'ignore' | 'refuse' = 'ignore',
): ZodType<Shaped<F>> {
  const entries = Object.entries<Field>(fields)
  const wireFields: Record<string, ZodType> = {}
  for (const [, { wire, schema, isRequired }] of entries) wireFields[wire] = isRequired ? schema : schema.nullish()
  const wireObject = unknownKeys === 'refuse' ? z.strictObject(wireFields) : z.object(wireFields)

  return z.codec(wireObject, z.custom<Shaped<F>>(isObject), {
    decode: (wire) => {
      const ours: Record<string, unknown> = {}
      for (const [name, { wire: wireName, isRequired }] of entries) {
        const value = wire[wireName]
        if (value !== undefined && (isRequired || value !== null)) ours[name] = value
      }
      return ours as Shaped<F>
    },
    encode: (ours, context) => {
      const wire: Record<string, unknown> = {}
      for (const [name, value] of Object.entries<unknown>(ours)) {
        const field = Object.hasOwn(fields, name) ? fields[name] : undefined
        if (!field) context.issues.push({ code: 'unrecognized_keys', keys: [name], input: ours })
        else if (value !== undefined && (field.isRequired || value !== null)) wire[field.wire] = value
      }
      return wire
    },
  })
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
