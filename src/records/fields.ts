/**
 * The kinds of field that records are made of.
 *
 * Two rules hold for every record. A moment is a number of milliseconds since 1970 and its name ends in `At`. What is not
 * known is `null` and not left out, so that a row of a table, a document and canonical JSON all say the same.
 *
 * @module
 */
import { z } from 'zod'

/** An id that the host or this library made. Bounded, so that no store has to hold a book as a key. */
export const id = z.string().min(1).max(128)

/** A moment, in milliseconds since 1970. */
export const moment = z.int()

/** A telephone number as it is dialled, E.164: a plus sign and at most fifteen digits. */
export const e164 = z.string().regex(/^\+[1-9]\d{1,14}$/)

/** A free text of people or of another system, bounded. */
export const text = z.string().max(10_000)

/** The postal code of a US state, the District of Columbia or a territory: two capital letters. */
export const stateCode = z.string().regex(/^[A-Z]{2}$/)
