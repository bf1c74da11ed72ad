export const linkTypes = { null: 0, ethernet: 1, raw: 101, rawBsd: 12, rawOpenBsd: 14, loop: 108, cooked: 113, ipv4: 228, ipv6: 229, cooked2: 276 } as const

/** Those that can't be read here, by the names that capturing programs give them. */
const others: Readonly<Record<number, string>> = {
  6: 'Token Ring', 9: 'PPP', 50: 'PPP over serial', 51: 'PPPoE', 105: 'IEEE 802.11', 119: 'IEEE 802.11 with Prism header', 127: 'IEEE 802.11 with radiotap header',
  163: 'IEEE 802.11 with AVS header', 187: 'Bluetooth', 189: 'USB', 192: 'PPI', 195: 'IEEE 802.15.4', 201: 'Bluetooth', 220: 'USB', 227: 'CAN', 239: 'netfilter log', 249: 'USBPcap', 253: 'netlink',
  272: 'nRF Bluetooth sniffer',
}

const readable: ReadonlySet<number> = new Set(Object.values(linkTypes))

export function isReadable(linkType: number): boolean {
  return readable.has(linkType)
}

/** `link type 105 (IEEE 802.11)`. */
export function describeLinkType(linkType: number): string {
  const name = others[linkType]
  return `link type ${linkType}${name === undefined ? '' : ` (${name})`}`
}
