export { type Awaiting, FtpDecoder, type FtpDecoderOptions } from './decoder.js'
export type { CommandEvent, FtpEvent, OddEvent, ReplyEvent } from './events.js'
export { ODDITIES, type Oddity } from './oddities.js'
export { type CommandLine, parseCommandLine } from './command-reader.js'
export { readText } from './text.js'
export { bringsListing, dataDirection, preparesData, secretVerbs, takesPath, takesSecret } from './verbs.js'
export {
  type DataAddress, type EpsvRequest, type ExtendedAddress, parseEprtArgument, parseEpsvArgument, parseEpsvReply,
  parsePasvReply, parsePortArgument,
} from './addresses.js'
export { withEprtArgument, withEpsvPort, withPasvAddress, withPortArgument } from './rewriting.js'
export { parsePathReply, WorkingDirectory, withoutListOptions } from './paths.js'
export { type EntryType, type ListingEntry, parseFactsLine, parseMlstReply, parseTimeValue } from './facts.js'
export { parseListing } from './listing.js'
export { readCount, sizeInReply } from './numbers.js'
