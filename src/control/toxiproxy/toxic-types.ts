/** One type of toxic: its attributes, whole numbers all of them, and the plugin that does it. */
export interface ToxicType {
  readonly plugin: string
  /** The original's name for it, in its messages. */
  readonly struct: string
  readonly attributes: readonly string[]
  /** The plugin's options. @param of an attribute's value, no less than 0. */
  readonly options: (of: (attribute: string) => number) => Readonly<Record<string, number>>
  /** @returns what is wrong with the attributes, where no plugin, nor the original, can do it. */
  readonly refuse?: (of: (attribute: string) => bigint) => string | null
}

/*
 * The original takes negative numbers as none, except where it falls over them: those are refused.
 */
export const toxicTypes: ReadonlyMap<string, ToxicType> = new Map(Object.entries({
  latency: { plugin: 'latency', struct: 'LatencyToxic', attributes: ['latency', 'jitter'], options: (of) => ({ ms: of('latency'), jitter: of('jitter') }) },
  bandwidth: {
    plugin: 'bandwidth', struct: 'BandwidthToxic', attributes: ['rate'], options: (of) => ({ rate: of('rate') }),
    refuse: (of) => of('rate') < 0n ? `rate ${of('rate')}: expected KB/s, 0 or more` : null,
  },
  slow_close: { plugin: 'slow-close', struct: 'SlowCloseToxic', attributes: ['delay'], options: (of) => ({ delay: of('delay') }) },
  timeout: { plugin: 'timeout', struct: 'TimeoutToxic', attributes: ['timeout'], options: (of) => ({ ms: of('timeout') }) },
  reset_peer: { plugin: 'reset-peer', struct: 'ResetToxic', attributes: ['timeout'], options: (of) => ({ ms: of('timeout') }) },
  slicer: {
    plugin: 'slicer', struct: 'SlicerToxic', attributes: ['average_size', 'size_variation', 'delay'],
    options: (of) => ({ size: of('average_size'), variation: of('size_variation'), delay: of('delay') }),
    refuse: (of) => of('average_size') < 1n ? `average_size ${of('average_size')}: expected bytes, 1 or more` : null,
  },
  limit_data: { plugin: 'limit-data', struct: 'LimitDataToxic', attributes: ['bytes'], options: (of) => ({ bytes: of('bytes') }) },
  noop: { plugin: 'noop', struct: 'NoopToxic', attributes: [], options: () => ({}) },
} satisfies Record<string, ToxicType>))
