/**
 * The load generator on one core and the candidates on the other, for as long as a measurement lasts.
 *
 * @module
 */
import type { Usage } from './candidate.js'
import { Child } from './channel.js'
import type { Outcome, Target } from './load-generator.js'
import type { DelayCounts, Measured } from './measurements.js'

const GENERATOR_CORE = 0
const CANDIDATE_CORE = 1

/** How much to measure. */
export interface Extent {
  /** Shorter rounds, for a first look. */
  readonly isQuick: boolean
  readonly soakMinutes: number
  /** Writes a CPU profile of each candidate into this folder. */
  readonly profileTo: string | undefined
}

/** A candidate under load. */
export interface Candidate {
  readonly name: 'relay' | 'bridge'
  readonly target: Target
  readonly usage: (options: { readonly collect: boolean }) => Promise<Usage>
}

/** The generator, asked in our words. */
export interface Generator {
  open(options: { readonly calls: number; readonly perSecond: number; readonly target: Target }): Promise<void>
  churn(options: { readonly calls: number; readonly target: Target }): Promise<void>
  greet(options: {
    readonly calls: number
    readonly openMs: number
    readonly headStartMs: number
    readonly target: Target
  }): Promise<void>
  quiet(): Promise<void>
  measure(): Promise<void>
  measured(): Promise<Measured<DelayCounts>>
  close(): Promise<Outcome>
  cpuUs(): Promise<number>
}

/** All three, running. */
export interface Setting {
  readonly generator: Generator
  readonly relay: Candidate
  readonly bridge: Candidate
}

/** Starts the processes, runs `body`, and ends them whatever happens. `databaseUrl`: where the bridge keeps its calls; default: its memory. */
export async function withSetting<T>(
  { profileTo, databaseUrl = '' }: Pick<Extent, 'profileTo'> & { readonly databaseUrl?: string },
  body: (setting: Setting) => Promise<T>,
): Promise<T> {
  const children: Child[] = []
  const start = (...args: ConstructorParameters<typeof Child>): Child => {
    const child = new Child(...args)
    children.push(child)
    return child
  }
  try {
    const load = start('load-generator.ts', { core: GENERATOR_CORE })
    const port = await load.port
    const candidate = async (name: 'relay' | 'bridge', file: string, agentUrl: string): Promise<Candidate> => {
      const flags = profileTo === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`]
      const child = start(file, {
        core: CANDIDATE_CORE,
        env: { BENCH_AGENT_URL: agentUrl, BENCH_DATABASE_URL: databaseUrl },
        flags,
      })
      return {
        name,
        target: { kind: name, port: await child.port },
        usage: (options) => child.ask<Usage>('usage', options),
      }
    }
    return await body({
      generator: {
        open: (options) => load.ask('open', options),
        churn: (options) => load.ask('churn', options),
        greet: (options) => load.ask('greet', options),
        quiet: () => load.ask('quiet'),
        measure: () => load.ask('measure'),
        measured: () => load.ask('measured'),
        close: () => load.ask('close'),
        cpuUs: () => load.ask('cpu'),
      },
      relay: await candidate('relay', 'relay.ts', `ws://127.0.0.1:${port}`),
      bridge: await candidate('bridge', 'bridge-process.ts', `http://127.0.0.1:${port}`),
    })
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
