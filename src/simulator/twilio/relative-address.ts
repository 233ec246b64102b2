/**
 * Addresses in TwiML, which may be relative to the document they stand in.
 *
 * @module
 */

/** An address as written, made absolute where the document's own address allows it; without one, the document's own. */
export function resolveAddress(address: string | undefined, documentUrl: string | undefined): string {
  const written = address?.trim() ?? ''
  if (written === '') return documentUrl ?? ''
  if (/^[a-z][a-z0-9+.-]*:/i.test(written) || documentUrl === undefined) return written
  return URL.canParse(written, documentUrl) ? new URL(written, documentUrl).href : written
}
