import { linkTypes } from '../link-types.js'

const ipv4 = 0x0800
const ipv6 = 0x86dd
/** VLAN tags: 802.1Q, 802.1ad, and what was used before it. */
const tags: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100])

/** Tags in each other that are looked through. */
const mostTags = 4

const neither = -1

/**
 * Where a packet's IP header begins.
 * @returns -1 where it has none: another protocol, or cut before it.
 */
export function findIp(linkType: number, bytes: Buffer): number {
  switch (linkType) {
    case linkTypes.ethernet: return afterType(bytes, 12)
    case linkTypes.cooked: return afterType(bytes, 14)
    // The type comes first there, then reserved bytes, interface, ARPHRD, packet type and address.
    case linkTypes.cooked2: return bytes.length >= 20 && isIp(bytes.readUInt16BE(0)) ? 20 : bytes.length >= 24 && tags.has(bytes.readUInt16BE(0)) ? afterType(bytes, 22) : neither
    // An address family in the byte order of the machine that captured; its numbers differ between systems: IP tells its version itself.
    case linkTypes.null: case linkTypes.loop: return whereIpIs(bytes, 4)
    case linkTypes.raw: case linkTypes.rawBsd: case linkTypes.rawOpenBsd: case linkTypes.ipv4: case linkTypes.ipv6: return whereIpIs(bytes, 0)
    default: return neither
  }
}

function afterType(bytes: Buffer, at: number): number {
  let place = at
  for (let tag = 0; tag <= mostTags; tag++) {
    if (place + 2 > bytes.length) return neither
    const type = bytes.readUInt16BE(place)
    if (isIp(type)) return place + 2
    if (!tags.has(type)) return neither
    place += 4
  }
  return neither
}

function whereIpIs(bytes: Buffer, at: number): number {
  const version = (bytes[at] ?? 0) >> 4
  return version === 4 || version === 6 ? at : neither
}

function isIp(type: number): boolean {
  return type === ipv4 || type === ipv6
}
