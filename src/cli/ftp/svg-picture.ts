import type { Picture } from './picture.js'
export function svgPicture(pictures: readonly Picture[]): string { return String(pictures.length) }
