/**
 * The national do-not-call registry on this machine: imported from its files, kept in a directory, looked up without a network.
 *
 * @module
 */
export { openListDirectory } from './directory.js'
export { importDoNotCallList } from './import.js'
export type { ImportDoNotCallListOptions, ImportProgress, ImportResult, WrongLine } from './import.js'
export { NATIONAL_LIST_MAX_AGE_MS, NationalDoNotCallList } from '../compliance/do-not-call-list/national-list.js'
export type {
  AreaCodeLists,
  NationalDoNotCallListOptions,
  NationalListAnswer,
} from '../compliance/do-not-call-list/national-list.js'
export { AREA_CODE_LIST_BYTES, AreaCodeList } from '../compliance/do-not-call-list/area-code-list.js'
export type { AreaCodeListOptions } from '../compliance/do-not-call-list/area-code-list.js'
export type { WrongLineReason } from '../compliance/do-not-call-list/list-lines.js'
