export { Http1Decoder, type Http1DecoderOptions } from './decoder.js'
export type {
  EndEvent, FlagEvent, Http1Event, RequestEvent, ResponseEvent, TrailersEvent,
} from './events.js'
export { chunkEnd, chunkStart, encodeFields, encodeRequestHead, encodeResponseHead, withFraming } from './encode.js'
export type { SentFraming } from './encode.js'
export { type BodyFraming, readFramingFields, requestFraming, responseFraming } from './framing.js'
export { FLAGS, type Flag } from './flags.js'
export { firstHeader, type Header, type Headers, headerValues } from './headers.js'
