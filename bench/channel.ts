/**
 * Questions to a child process and its answers, over the channel of `child_process`.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Question {
  readonly id: number
  readonly name: string
  readonly args: unknown
}

type Answer = { readonly id: number; readonly result?: unknown; readonly error?: string }

/** In the child: answers questions by their name, and ends with the parent. `port` is told at once. */
export function serve(port: number, answers: Readonly<Record<string, (args: never) => unknown>>): void {
  process.on('message', ({ id, name, args }: Question) => {
    Promise.resolve()
      .then(() => answers[name]?.(args as never))
      .then(
        (result) => process.send?.({ id, result } satisfies Answer),
        (error: unknown) => process.send?.({ id, error: String(error) } satisfies Answer),
      )
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ id: 0, result: port } satisfies Answer)
}

/** Whether processes can be held to a core each: two cores, and `taskset`. */
export const canPin = availableParallelism() >= 2 && existsSync('/usr/bin/taskset')

export interface StartOptions {
  /** The core to hold it to, where that is possible. */
  readonly core: number
  readonly env?: Readonly<Record<string, string>>
  /** Further flags of node. */
  readonly flags?: readonly string[]
}

/** A process that answers. */
export class Child {
  /** What it told when it was ready. */
  readonly port: Promise<number>
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  #ids = 0

  /** Starts a file of this folder. */
  constructor(file: string, { core, env = {}, flags = [] }: StartOptions) {
    const script = fileURLToPath(new URL(file, import.meta.url))
    const node = [process.execPath, '--expose-gc', '--import', 'tsx', ...flags, script]
    const [command = '', ...args] = canPin ? ['taskset', '-c', String(core), ...node] : node
    this.#process = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...env },
    })
    this.port = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }))
    this.#process.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result as never)
      else waiting?.reject(new Error(`${file}: ${error}`))
    })
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended with ${String(code)}`))
    })
  }

  ask<T>(name: string, args: unknown = {}): Promise<T> {
    const id = ++this.#ids
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#process.send({ id, name, args } satisfies Question)
    })
  }

  /** Ends it. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const exited = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.disconnect()
    await exited
  }
}
