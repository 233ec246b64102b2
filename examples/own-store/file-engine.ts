/**
 * A driver that keeps everything in one file, by writing down each step before it answers and playing the steps again when it starts.
 *
 * @module
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { ManualClock, type Clock } from '../../src/core/clock.js'
import { createMemoryEngine, type StoreEngine } from 'callweave/storage'

/** Steps that change something: the only ones that have to be written down. */
const CHANGES = ['write', 'addCapped', 'take', 'swapCell', 'takeEvents', 'settleEvent', 'removeRunOut'] as const

type Change = (typeof CHANGES)[number]

/** Opens the journal at `path`, or begins one. */
export async function openFileEngine(path: string, clock: Clock): Promise<StoreEngine> {
  // While the journal is played, it is the moment at which each step was taken.
  const played = new ManualClock(0)
  let now = (): number => played.now()
  const engine = createMemoryEngine({ clock: { ...clock, now: () => now() } })
  const call = (step: Change, given: unknown[]) =>
    (engine[step] as (...given: unknown[]) => Promise<unknown>).apply(engine, given)

  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    if (line === '') continue
    const [at, step, given] = JSON.parse(line) as [number, Change, unknown[]]
    played.advance(at - played.now())
    await call(step, given)
  }

  now = () => clock.now()
  const written = Object.fromEntries(
    CHANGES.map((step) => [
      step,
      async (...given: unknown[]) => {
        // JSON has no undefined, and a written step has to be the step that was taken.
        const plain = JSON.parse(JSON.stringify(given)) as unknown[]
        appendFileSync(path, `${JSON.stringify([clock.now(), step, plain])}\n`)
        return call(step, plain)
      },
    ]),
  )
  return {
    name: 'file',
    migrate: () => engine.migrate(),
    get: (...given) => engine.get(...given),
    list: (...given) => engine.list(...given),
    count: (...given) => engine.count(...given),
    getCell: (...given) => engine.getCell(...given),
    listEvents: (...given) => engine.listEvents(...given),
    ...written,
  } as StoreEngine
}
