/**
 * The listed numbers of one area code as a bitmap, in memory and as the bytes of a file.
 *
 * A file is a header of 64 bytes and 1 250 000 bytes of bits, one for each of the ten million seven-digit numbers. Integers
 * are little endian: 0 the mark `CWDNCNPA`, 8 version (u16), 10 area code (u16), 12 how many numbers are listed (u32), 16 when
 * the copy was obtained in milliseconds since 1970 (f64), 24 eight zeros, 32 the SHA-256 of everything else. A file that is
 * cut, altered or of another area code does not open.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { VoiceError } from '../../core/errors.js'

/** Seven-digit numbers in an area code. */
const NUMBERS = 10_000_000
const BIT_BYTES = NUMBERS / 8
const HEADER_BYTES = 64
const HASHED_HEADER_BYTES = 32
const MARK = 'CWDNCNPA'
const VERSION = 1

/** Size of one area code's file, and what it takes in memory: 1 250 064 bytes. */
export const AREA_CODE_LIST_BYTES = HEADER_BYTES + BIT_BYTES

const SMALLEST_AREA_CODE = 200
const LARGEST_AREA_CODE = 999

/** Whether `areaCode` can be an area code at all: 200 to 999. */
export function isAreaCode(areaCode: number): boolean {
  return Number.isInteger(areaCode) && areaCode >= SMALLEST_AREA_CODE && areaCode <= LARGEST_AREA_CODE
}

/** Which area code a list is of, and which copy of the registry it comes from. */
export interface AreaCodeListOptions {
  /** 200 to 999. */
  readonly areaCode: number
  /** When the copy was obtained from the registry, in milliseconds since 1970. */
  readonly copiedAt: number
}

/** The numbers of one area code that are on the national do-not-call registry. 1.25 MB, whatever their count. */
export class AreaCodeList {
  readonly areaCode: number
  /** When the copy was obtained from the registry, in milliseconds since 1970. */
  readonly copiedAt: number
  readonly #bits: Uint8Array
  #count: number

  private constructor({ areaCode, copiedAt }: AreaCodeListOptions, bits: Uint8Array, count: number) {
    if (!isAreaCode(areaCode)) throw new RangeError(`areaCode must be 200 to 999, got ${areaCode}`)
    if (!Number.isSafeInteger(copiedAt)) throw new RangeError(`copiedAt must be whole milliseconds, got ${copiedAt}`)
    this.areaCode = areaCode
    this.copiedAt = copiedAt
    this.#bits = bits
    this.#count = count
  }

  /** A list with no number on it. @throws RangeError for an area code or a time that cannot be. */
  static empty(options: AreaCodeListOptions): AreaCodeList {
    return new AreaCodeList(options, new Uint8Array(BIT_BYTES), 0)
  }

  /** How many numbers are listed. */
  get count(): number {
    return this.#count
  }

  /** Whether a seven-digit number (0 to 9 999 999) is listed. Allocates nothing. */
  has(subscriber: number): boolean {
    return ((this.#bits[subscriber >> 3] ?? 0) & (1 << (subscriber & 7))) !== 0
  }

  /** Lists a number. @returns whether it was new. @throws RangeError outside 0 to 9 999 999. */
  add(subscriber: number): boolean {
    const mask = 1 << (subscriber & 7)
    const byte = this.#byteOf(subscriber)
    if ((byte & mask) !== 0) return false
    this.#bits[subscriber >> 3] = byte | mask
    this.#count++
    return true
  }

  /** Takes a number off. @returns whether it was listed. @throws RangeError outside 0 to 9 999 999. */
  delete(subscriber: number): boolean {
    const mask = 1 << (subscriber & 7)
    const byte = this.#byteOf(subscriber)
    if ((byte & mask) === 0) return false
    this.#bits[subscriber >> 3] = byte & ~mask
    this.#count--
    return true
  }

  /** The same numbers as of a later copy. Shares the bits with this list, which must not be used any more. */
  renewed(copiedAt: number): AreaCodeList {
    return new AreaCodeList({ areaCode: this.areaCode, copiedAt }, this.#bits, this.#count)
  }

  /** The bytes of the file. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(AREA_CODE_LIST_BYTES)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < MARK.length; i++) bytes[i] = MARK.charCodeAt(i)
    view.setUint16(8, VERSION, true)
    view.setUint16(10, this.areaCode, true)
    view.setUint32(12, this.#count, true)
    view.setFloat64(16, this.copiedAt, true)
    bytes.set(this.#bits, HEADER_BYTES)
    bytes.set(checksumOf(bytes), HASHED_HEADER_BYTES)
    return bytes
  }

  /**
   * Reads the bytes of a file. The list keeps them: they must not be changed afterwards.
   *
   * @throws {@link VoiceError} `do_not_call_list_corrupt` when they are cut, altered, of another area code or of a version that
   * is not known. There is no half-read list.
   */
  static decode(bytes: Uint8Array, areaCode: number): AreaCodeList {
    if (bytes.byteLength !== AREA_CODE_LIST_BYTES) {
      throw corrupt(areaCode, `it has ${bytes.byteLength} bytes, not ${AREA_CODE_LIST_BYTES}`)
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
    for (let i = 0; i < MARK.length; i++) {
      if (bytes[i] !== MARK.charCodeAt(i)) throw corrupt(areaCode, 'it does not begin with the mark of such a list')
    }
    const version = view.getUint16(8, true)
    if (version !== VERSION) throw corrupt(areaCode, `it has version ${version}, not ${VERSION}`)
    const sum = checksumOf(bytes)
    if (sum.some((byte, i) => byte !== bytes[HASHED_HEADER_BYTES + i])) {
      throw corrupt(areaCode, 'its checksum does not fit its content')
    }
    const ofAreaCode = view.getUint16(10, true)
    if (ofAreaCode !== areaCode) throw corrupt(areaCode, `it is the list of area code ${ofAreaCode}`)
    const options = { areaCode, copiedAt: view.getFloat64(16, true) }
    return new AreaCodeList(options, bytes.subarray(HEADER_BYTES), view.getUint32(12, true))
  }

  #byteOf(subscriber: number): number {
    const byte = Number.isInteger(subscriber) ? this.#bits[subscriber >> 3] : undefined
    // Not the number itself: it is somebody's.
    if (byte === undefined) throw new RangeError('A number within an area code is an integer from 0 to 9 999 999')
    return byte
  }
}

/** Everything but the checksum itself is hashed. */
function checksumOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(bytes.subarray(0, HASHED_HEADER_BYTES))
    .update(bytes.subarray(HEADER_BYTES))
    .digest()
}

function corrupt(areaCode: number, why: string): VoiceError {
  return new VoiceError('do_not_call_list_corrupt', `The list of area code ${areaCode} cannot be used: ${why}`, {
    details: { areaCode },
  })
}
