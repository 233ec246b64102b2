/**
 * The wire messages of test/corpus/elevenlabs-agent, by direction.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface CorpusMessage {
  readonly name: string
  readonly json: string
  readonly value: Record<string, unknown>
}

/** Every message of one direction. */
export function corpusOf(direction: 'server' | 'client'): CorpusMessage[] {
  const folder = new URL(`../corpus/elevenlabs-agent/${direction}/`, import.meta.url)
  return readdirSync(folder).map((file) => {
    const value = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Record<string, unknown>
    return { name: file.replace('.json', ''), json: JSON.stringify(value), value }
  })
}

/** One message, as text. */
export function corpusJson(direction: 'server' | 'client', name: string): string {
  const found = corpusOf(direction).find((message) => message.name === name)
  if (!found) throw new Error(`no ${direction}/${name}.json in the corpus`)
  return found.json
}
