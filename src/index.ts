export { startRelay } from './relay/relay.js'
export type { Relay, RelayStats } from './relay/relay.js'
export type { RelayListener } from './relay/listeners.js'
export type { Fault, FaultUse, InjectOptions } from './relay/faults.js'
export type { JournalEntry } from './relay/journal.js'
export type { OpenConnection } from './relay/open-connections.js'
export type { RelayOptions } from './relay/options.js'
export { parseRelayAddress } from './relay/address.js'
export type { RelayAddress, Target } from './relay/address.js'
export type { Traffic } from './relay/open-connections.js'
export { startControl } from './control/control.js'
export type { Control, ControlOptions } from './control/control.js'
export type { PluginUse } from './plugins/uses.js'
export { definePlugin } from './plugins/definition.js'
export type { AnyPlugin, OptionDeclaration, OptionDeclarations, OptionValues, PluginDefinition, SetupContext } from './plugins/definition.js'
export { close, delay, drop, duplicate, reply, reset, respond, retarget } from './plugins/actions.js'
export type { Action, Close, Delay, Drop, Duplicate, Reply, Reset, Respond, Retarget } from './plugins/actions.js'
export { clientMatcher, clientOption, commandMatcher, commandOptions, directionMatcher, directionOption, requestMatcher, requestOptions, responseMatcher } from './plugins/matching.js'
export { picker, selection } from './plugins/selection.js'
export { onStreams, streamSelection } from './plugins/stream-selection.js'
export type { StreamSelectionContext } from './plugins/stream-selection.js'
export { HeaderList } from './plugins/header-list.js'
export type { HeaderField } from './plugins/header-list.js'
export type {
  ConnectionHooks, DnsHooks, FtpHooks, Hooks, HttpHooks, Outcome, RecordingMask, StageControl, StreamContext, StreamStage, UdpHooks,
} from './plugins/hooks.js'
export type {
  BodyTransform, ConnectionEnd, ConnectionInfo, DatagramMessage, DnsAnswerMessage, DnsQueryMessage, DnsRecord, DnsResponse, FtpCommandMessage, FtpReplyMessage,
  FtpTransfer, FtpTransferEnd, HttpAnswer, HttpBody, HttpRequest, HttpResponse, Message, TransformOptions, WireControl, WirePiece, WireStage,
} from './plugins/messages.js'
export { WiretapeError } from './error.js'
export type { ErrorCode } from './error.js'
export { openRecording } from './recording/recording.js'
export type { Recording, Selection, Side } from './recording/recording.js'
export type {
  ConnectionRecord, DnsAnswer, DnsQuery, EventRecord, FtpCommandRecord, FtpListingEntry, FtpReply, FtpSession, FtpTransferRecord, HeaderFields, HttpExchange, Segment, TimelineRecord, UdpDatagram,
} from './recording/rows.js'
export type { Address, TlsFacts } from './recording/notes.js'
export type { RecorderOptions } from './recording/recorder.js'
