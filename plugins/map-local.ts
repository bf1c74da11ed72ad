import { readFile, realpath, stat } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import { definePlugin, respond } from 'wiretape'

/** What browsers need to know; the rest is sent as bytes. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json', '.txt': 'text/plain; charset=utf-8', '.xml': 'application/xml', '.svg': 'image/svg+xml', '.png': 'image/png', '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg', '.gif': 'image/gif', '.webp': 'image/webp', '.ico': 'image/x-icon', '.pdf': 'application/pdf', '.wasm': 'application/wasm', '.woff2': 'font/woff2',
}

export default definePlugin({
  name: 'map-local',
  description: 'Answers GET and HEAD from a folder; what is not there goes to the server, or is answered with 404.',
  options: {
    folder: { type: 'string', required: true, description: 'The folder; index.html stands for a path that ends in a slash.' },
    path: { type: 'string', default: '/', description: 'Only where the path begins so; the rest of it is looked for in the folder.' },
    missing: { type: 'string', choices: ['pass', '404'], default: 'pass', description: 'What happens to a path without a file.' },
  },
  setup({ options: { folder, path, missing } }) {
    const root = resolve(folder)
    return {
      http: {
        async request(request) {
          if ((request.method !== 'GET' && request.method !== 'HEAD') || !request.path.startsWith(path)) return undefined
          const file = await find(root, request.path.slice(path.length))
          if (file === null) return missing === '404' ? respond({ status: 404, body: `${request.path} is not in the folder\n` }) : undefined
          return respond({ headers: { 'content-type': types[extname(file).toLowerCase()] ?? 'application/octet-stream' }, body: await readFile(file) })
        },
      },
    }
  },
})

/** @returns the file that a path means, within the folder, also after links are followed; null where there is none. */
async function find(root: string, rest: string): Promise<string | null> {
  try {
    const path = join(root, decodeURIComponent(rest))
    const file = await realpath(rest === '' || rest.endsWith('/') ? join(path, 'index.html') : path)
    const within = await realpath(root)
    return file.startsWith(within + sep) && (await stat(file)).isFile() ? file : null
  } catch {
    return null
  }
}
