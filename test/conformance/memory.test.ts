import { describe, test } from 'vitest'
import { createStore } from '../../src/storage/create-store.js'
import { conformanceCases } from '../../src/storage/conformance/index.js'
import type { StoreEngine } from '../../src/storage/engine.js'
import { createMemoryEngine } from '../../src/storage/memory.js'

describe('the store in memory', () => {
  test.for(conformanceCases)('$name', async ({ run }) => {
    let engine: StoreEngine | undefined
    await run(({ clock }) =>
      createStore((engine ??= createMemoryEngine(clock ? { clock } : {})), clock ? { clock } : {}),
    )
  })
})
