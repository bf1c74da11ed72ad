import type { IpPacket } from './packets/ip.js'

/** Which flow a packet of TCP or UDP is of, and which way it goes: addresses and ports as they stand in it. Both protocols begin with their ports. */
export function flowKey({ addresses, payload }: IpPacket): string {
  return `${addresses.toString('latin1')}${payload.toString('latin1', 0, 4)}`
}

/** That of the packets that go the other way. */
export function reverseFlowKey({ addresses, payload }: IpPacket): string {
  const half = addresses.length / 2
  return `${addresses.toString('latin1', half)}${addresses.toString('latin1', 0, half)}${payload.toString('latin1', 2, 4)}${payload.toString('latin1', 0, 2)}`
}
