/**
 * Flows stand in a map in the order of their last use, the longest idle first. For so many µs one may be used without changing its place: who
 * is busy would change it with every packet.
 */
export const keepsPlaceFor = 1_000_000
