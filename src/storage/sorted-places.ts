/**
 * Places in time, kept in order.
 *
 * @module
 */
import type { RowPageQuery, RowQuery } from './engine.js'

/** Where a row stands in a list. */
export interface Place {
  readonly at: number
  readonly id: string
}

/** A sorted list of places. New ones mostly come at the end, where adding costs nothing. */
export class SortedPlaces {
  readonly #places: Place[] = []

  get size(): number {
    return this.#places.length
  }

  add(place: Place): void {
    this.#places.splice(this.#firstNotBefore(place), 0, place)
  }

  remove(place: Place): void {
    const position = this.#firstNotBefore(place)
    const found = this.#places[position]
    if (found?.at === place.at && found.id === place.id) this.#places.splice(position, 1)
  }

  count(query: RowQuery): number {
    const [start, end] = this.#range(query)
    return Math.max(0, end - start)
  }

  page({ order, after, limit, ...query }: RowPageQuery): readonly Place[] {
    let [start, end] = this.#range(query)
    if (after && order === 'ascending')
      start = Math.max(start, this.#firstNotBefore({ at: after.at, id: `${after.id}\0` }))
    if (after && order === 'descending') end = Math.min(end, this.#firstNotBefore(after))
    if (end <= start) return []
    if (order === 'ascending') return this.#places.slice(start, Math.min(end, start + limit))
    return this.#places.slice(Math.max(start, end - limit), end).reverse()
  }

  #range({ sinceAt, untilAt }: RowQuery): [number, number] {
    const start = sinceAt === undefined ? 0 : this.#firstNotBefore({ at: sinceAt, id: '' })
    return [start, untilAt === undefined ? this.#places.length : this.#firstNotBefore({ at: untilAt, id: '' })]
  }

  #firstNotBefore({ at, id }: Place): number {
    let low = 0
    let high = this.#places.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const place = this.#places[middle]
      if (place && (place.at < at || (place.at === at && place.id < id))) low = middle + 1
      else high = middle
    }
    return low
  }
}
