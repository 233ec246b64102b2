import { expectTypeOf, test } from 'vitest'
import type { ComplianceStore } from '../../src/compliance/ports.js'
import { createMemoryStore } from '../../src/storage/memory.js'
import type { Store } from '../../src/storage/store.js'

test('a store is everything that the policy engine asks of one', () => {
  expectTypeOf<Store>().toExtend<ComplianceStore>()
  const asked: ComplianceStore = createMemoryStore()
  expectTypeOf(asked).toEqualTypeOf<ComplianceStore>()
})
