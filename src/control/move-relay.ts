import type { RelayAddress } from '../relay/address.js'
import type { RelayListener } from '../relay/listeners.js'
import type { Relay } from '../relay/relay.js'

/**
 * A relay listens elsewhere, leads elsewhere, is switched on or off. Where nothing differs, its connections stay.
 * @throws WiretapeError `bind`, `usage`; all is as it was then.
 */
export async function moveRelay(relay: Relay, listener: RelayListener, after: RelayAddress, enabled: boolean): Promise<void> {
  const { host, port } = listener
  const before: RelayAddress = { ...relay.addressOf(listener)!, listen: { host, port } }
  const wasEnabled = listener.enabled
  if (!enabled) relay.disable(listener)
  try {
    if (after.listen.host !== host || after.listen.port !== port || after.target.text !== before.target.text) await relay.change(listener, after)
    if (enabled) await relay.enable(listener)
  } catch (thrown) {
    if (!wasEnabled) await relay.change(listener, before)
    else if (!enabled) await relay.enable(listener)
    throw thrown
  }
}
