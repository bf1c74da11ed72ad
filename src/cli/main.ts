#!/usr/bin/env node
import yargs from 'yargs'
import type { Argv } from 'yargs'
import { WiretapeError } from '../error.js'
import { printableText } from './escape.js'
import { exitCodeOf, messageOf } from './failure.js'

/*
 * Commands are imported when they run: `wiretape ls` shouldn't wait for the relay to load.
 */

function relayOptions(parser: Argv) {
  return parser
    .option('http', { type: 'string', array: true, default: [], requiresArg: true, describe: 'relay HTTP: LISTEN=URL, such as 8080=http://127.0.0.1:3000 (repeatable)' })
    .option('tcp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'relay TCP: LISTEN=HOST:PORT, such as 15432=127.0.0.1:5432 (repeatable)' })
    .option('insecure', { type: 'boolean', default: false, describe: 'accept the certificate of an https:// target unverified' })
    .option('rewrite-host', { type: 'boolean', default: false, describe: "set Host to the target's instead of passing on the client's" })
    .option('connect-timeout', { type: 'number', default: 10, requiresArg: true, describe: 'seconds to wait for the target to accept' })
    .option('idle-timeout', { type: 'number', default: 0, requiresArg: true, describe: 'seconds without a byte after which a connection is closed (0: never)' })
    .option('grace', { type: 'number', default: 5, requiresArg: true, describe: 'seconds that open connections get to finish on Ctrl-C' })
    .option('json', { type: 'boolean', default: false, describe: 'print the ready lines as JSON' })
    .nargs('http', 1).nargs('tcp', 1)
}

async function run(): Promise<void> {
  let exitCode = 0
  await yargs(process.argv.slice(2))
    .scriptName('wiretape')
    .usage('$0 COMMAND\n\nRecords, shows and replays what two programs say to each other.')
    .parserConfiguration({ 'strip-dashed': true })
    .command('record', 'relay traffic and record it', (parser) => relayOptions(parser)
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the recording; a new file in recordings/ where absent' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a file that exists' })
      .option('append', { type: 'boolean', default: false, describe: 'continue a recording that exists' })
      .option('slow-disk', { choices: ['pause', 'drop'] as const, default: 'pause' as const, describe: "when the disk can't keep up: stop reading, or leave bytes out and count them" })
      .example('$0 record --http 8080=http://127.0.0.1:3000', 'then point the client at http://127.0.0.1:8080')
      .example('$0 record -o db.sqlite --tcp 15432=127.0.0.1:5432', ''),
    async ({ output, overwrite, append, slowDisk, ...given }) => {
      const { relay } = await import('./relay.js')
      exitCode = await relay(given, { ...(output === undefined ? {} : { path: output }), overwrite, append, slowDisk })
    })
    .command('relay', 'relay traffic, recording nothing', (parser) => relayOptions(parser)
      .example('$0 relay --tcp 15432=127.0.0.1:5432', ''),
    async (given) => {
      const { relay } = await import('./relay.js')
      exitCode = await relay(given, null)
    })
    .command('ls [file]', 'list what was recorded', (parser) => parser
      .positional('file', { type: 'string', describe: 'a recording; the newest in recordings/ where absent' })
      .option('where', { alias: 'w', type: 'string', requiresArg: true, describe: 'an SQL condition over the view record' })
      .option('limit', { alias: 'n', type: 'number', requiresArg: true, describe: 'the first so many' })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on while it is being recorded' })
      .option('json', { type: 'boolean', default: false, describe: 'a JSON object a line' })
      .example('$0 ls --where "status >= 500 and duration_ms > 200"', ''),
    async ({ file, where, limit, json, follow }) => {
      const { ls } = await import('./ls.js')
      await ls({ file, where, limit, json, follow })
    })
    .command('show <words..>', 'show one record: [FILE] ID', (parser) => parser
      .usage('$0 show [FILE] ID\n\nShows one record: an exchange with its heads and bodies, a connection as a conversation.')
      .positional('words', { type: 'string', array: true, demandOption: true, describe: '[FILE] ID' })
      .option('body', { choices: ['request', 'response'] as const, requiresArg: true, describe: 'only the exact bytes of this body' })
      .option('raw', { type: 'boolean', default: false, describe: 'the exact bytes as they were on the wire' })
      .option('json', { type: 'boolean', default: false, describe: 'the facts as JSON' })
      .example('$0 show 7', '').example('$0 show 7 --body response > page.html', ''),
    async ({ words, body, raw, json }) => {
      const { show } = await import('./show.js')
      await show({ words: words.map(String), body, raw, json })
    })
    .command('demo', 'real relays, recording real traffic of embedded servers', (parser) => parser
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the recording; a new file in recordings/ where absent' })
      .example('$0 demo', 'needs no network'),
    async ({ output }) => {
      const { demo } = await import('./demo/demo.js')
      await demo(output)
    })
    .demandCommand(1, 'name a command: record, relay, ls, show or demo (wiretape --help tells more)')
    .strict()

    .wrap(Math.min(110, process.stdout.columns ?? 80))
    .fail((message, error) => {
      throw error ?? new WiretapeError('usage', message)
    })
    .parseAsync()
  process.exitCode = exitCode
}

// A reader that has enough (`wiretape ls | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await run()
} catch (thrown) {
  process.stderr.write(`wiretape: ${printableText(messageOf(thrown))}\n`)
  process.exitCode = exitCodeOf(thrown)
}
