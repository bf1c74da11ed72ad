export const ftpPort = 21
export const httpPort = 80

/** Ports that servers listen on although they are high. */
const served: ReadonlySet<number> = new Set([1080, 1433, 1521, 1883, 2121, 3000, 3128, 3306, 4200, 5000, 5173, 5353, 5432, 5672, 6379, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9000, 9090, 9200, 11211, 27017])

/** Ports below are the system's to give to servers. */
export const privileged = 1024

/** From here on, systems give ports to clients (Linux; the others begin later). */
const ephemeral = 32_768

/**
 * Which of two ports a server listens on, where no handshake tells.
 * @returns 0 for the first, 1 for the second, null where the numbers don't say.
 */
export function whichServes(first: number, second: number): 0 | 1 | null {
  for (const likely of [(port: number) => port < privileged, (port: number) => served.has(port), (port: number) => port < ephemeral]) {
    if (likely(first) !== likely(second)) return likely(first) ? 0 : 1
  }
  return null
}
