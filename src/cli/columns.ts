/** How wide a terminal is; 80 where it doesn't know, for which some say 0. */
export function columnsOf({ columns }: { readonly columns?: number | undefined }): number {
  return columns === undefined || columns === 0 ? 80 : columns
}
