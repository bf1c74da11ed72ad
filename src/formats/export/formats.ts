/** The forms that a recording can be written in. */
export const exportFormats = ['har', 'pcapng', 'jsonl', 'curl', 'raw'] as const
export type ExportFormat = (typeof exportFormats)[number]
