import { coordinationCases } from './coordination-cases.js'
import { erasureCases } from './erasure-cases.js'
import { lawCases } from './law-cases.js'
import { queueCases } from './queue-cases.js'
import { recordCases } from './record-cases.js'
import type { ConformanceCase } from './subject.js'

export { serverTimeCases } from './coordination-cases.js'
export type { ConformanceCase, MakeStore } from './subject.js'

/** Every promise of the contract that holds for every driver. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...recordCases,
  ...lawCases,
  ...coordinationCases,
  ...queueCases,
  ...erasureCases,
]
