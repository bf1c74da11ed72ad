export { startRelay } from './relay/relay.js'
export type { Relay, RelayListener, RelayStats } from './relay/relay.js'
export type { RelayOptions } from './relay/options.js'
export { WiretapeError } from './error.js'
export type { ErrorCode } from './error.js'
export { openRecording } from './recording/recording.js'
export type { Recording, Selection, Side } from './recording/recording.js'
export type {
  ConnectionRecord, DnsAnswer, DnsQuery, EventRecord, FtpCommandRecord, FtpListingEntry, FtpReply, FtpSession, FtpTransferRecord, HeaderFields, HttpExchange, Segment, TimelineRecord, UdpDatagram,
} from './recording/rows.js'
export type { Address, TlsFacts } from './recording/notes.js'
export type { RecorderOptions } from './recording/recorder.js'
