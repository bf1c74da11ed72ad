/** Schema 4 to 5: what faults did, with what. */
export const faults = `
  -- parameters: the plugin and its options, as on the command line: latency:ms=200,jitter=50. delay_ms: the wait that it asked for.
  ALTER TABLE event ADD COLUMN parameters TEXT;
  ALTER TABLE event ADD COLUMN delay_ms REAL;
`
