import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** How the package types one attribute. */
export type VendorType =
  | { readonly kind: 'string' | 'number' | 'boolean' }
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly isList: boolean }
  | { readonly kind: 'numbers' }

/** What the declarations of the `twilio` package say about voice TwiML. */
export interface VendorTypes {
  /** Attributes of each `…Attributes` interface, by class. */
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, VendorType>>
  /** For each class, the method that makes each child class. */
  readonly children: ReadonlyMap<string, ReadonlyMap<string, string>>
}

/** Reads the declarations, so that a new release of the package shows what it added. */
export function readVendorTypes(): VendorTypes {
  const path = createRequire(import.meta.url).resolve('twilio/lib/twiml/VoiceResponse.d.ts')
  const source = readFileSync(path, 'utf8').replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
  const aliases = new Map(
    [...source.matchAll(/^\s*type (\w+) = (.+);$/gm)].map(([, name, words]) => [
      name!,
      [...words!.matchAll(/"([^"]*)"/g)].map((match) => match[1]!),
    ]),
  )
  const attributes = new Map(
    [...source.matchAll(/export interface (\w+)Attributes \{([^}]*)\}/g)].map(([, name, body]) => [
      name!,
      new Map(
        [...body!.matchAll(/"?([\w:-]+)"?\?: ([\w[\]]+);/g)].map(([, key, type]) => [key!, typeOf(type!, aliases)]),
      ),
    ]),
  )
  const children = new Map(
    [...source.matchAll(/class (\w+) extends TwiML \{([^}]*)\}/g)].map(([, name, body]) => [
      name!,
      new Map(
        [...body!.matchAll(/^\s+(\w+)\(.*\): VoiceResponse\.(\w+);/gm)].map(([, method, child]) => [child!, method!]),
      ),
    ]),
  )
  return { attributes, children }
}

function typeOf(type: string, aliases: ReadonlyMap<string, readonly string[]>): VendorType {
  if (type === 'string' || type === 'number' || type === 'boolean') return { kind: type }
  if (type === 'number[]') return { kind: 'numbers' }
  const words = aliases.get(type.replace('[]', ''))
  if (!words) throw new Error(`a type that is not known: ${type}`)
  return { kind: 'words', words, isList: type.endsWith('[]') }
}
