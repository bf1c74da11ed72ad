#!/usr/bin/env node
import type { Argv } from 'yargs'
import { columnsOf } from './columns.js'
import { checkTypes, usageError } from './complaints.js'
import { printableText } from './escape.js'
import { exitCodeOf, messageOf } from './failure.js'
import { tooFewDescriptors } from './few-descriptors.js'
import { plainLs } from './plain-ls.js'
import { exportFormats } from '../formats/export/formats.js'

/*
 * Commands are imported when they run: `wiretape ls` shouldn't wait for the relay to load, nor, where its words are plain, for yargs.
 */

const optionTypes = {
  numbers: ['udp-idle-timeout', 'udp-sessions', 'udp-buffer', 'connect-timeout', 'idle-timeout', 'grace', 'limit', 'seed', 'port', 'patience', 'id'],
  switches: [
    'ftp-trust-pasv', 'ftp-refuse-tls', 'keep-passwords', 'insecure', 'rewrite-host', 'json', 'overwrite', 'append', 'follow', 'raw', 'full', 'redact', 'strict', 'partial', 'sent',
  ],
}

const ignoreHelp = "what isn't compared: header:NAME, json:PATH, status, body, text (of FTP replies); repeatable, or with commas"

/** In place of `-`, which yargs drops from among several files. No word has a NUL. */
const standardInput = '\0'

function relayOptions(parser: Argv) {
  return parser
    .option('http', { type: 'string', array: true, default: [], requiresArg: true, describe: 'relay HTTP: LISTEN=URL, such as 8080=http://127.0.0.1:3000 (repeatable)' })
    .option('tcp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'relay TCP: LISTEN=HOST:PORT, such as 15432=127.0.0.1:5432 (repeatable)' })
    .option('udp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'relay UDP: LISTEN=HOST:PORT, such as 5353=127.0.0.1:53 (repeatable)' })
    .option('udp-idle-timeout', { defaultDescription: '60', requiresArg: true, describe: 'seconds without a datagram after which a UDP session is retired' })
    .option('udp-sessions', { defaultDescription: '10000', requiresArg: true, describe: 'UDP sessions at once; one more retires the longest idle' })
    .option('udp-buffer', { defaultDescription: '4194304', requiresArg: true, describe: 'bytes asked of the system for UDP socket buffers' })
    .option('decode', { type: 'string', defaultDescription: 'auto', requiresArg: true, describe: 'what datagrams are read as: auto, dns or none' })
    .option('ftp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'relay FTP: LISTEN=HOST:PORT, such as 2121=127.0.0.1:21 (repeatable)' })
    .option('ftp-data-ports', { type: 'string', requiresArg: true, describe: 'ports for passive data connections: FIRST-LAST' })
    .option('ftp-data-host', { type: 'string', requiresArg: true, describe: 'the address that PASV replies name' })
    .option('ftp-trust-pasv', { type: 'boolean', describe: "dial the address a PASV reply names, even if it isn't the server's" })
    .option('ftp-refuse-tls', { type: 'boolean', describe: 'answer AUTH with 534, so that the client goes on in the clear' })
    .option('keep-passwords', { type: 'boolean', describe: 'record the arguments of PASS and ACCT unmasked' })
    .option('insecure', { type: 'boolean', describe: 'accept the certificate of an https:// target unverified' })
    .option('rewrite-host', { type: 'boolean', describe: "set Host to the target's instead of passing on the client's" })
    .option('connect-timeout', { defaultDescription: '10', requiresArg: true, describe: 'seconds to wait for the target to accept' })
    .option('idle-timeout', { defaultDescription: '0', requiresArg: true, describe: 'seconds without a byte after which a connection is closed (0: never)' })
    .option('grace', { defaultDescription: '5', requiresArg: true, describe: 'seconds that open connections get to finish on Ctrl-C' })
    .option('plugin', { alias: 'p', type: 'string', array: true, default: [], requiresArg: true, describe: 'NAME or FILE with its options: delay:ms=200, ./mine.ts (repeatable, in order)' })
    .option('redact', { type: 'boolean', describe: 'keep the usual secrets out of the recording (the plugin redact)' })
    .option('seed', { requiresArg: true, describe: 'what every random choice follows from; printed and recorded where absent' })
    .option('control', { type: 'string', requiresArg: true, describe: 'the control API: PORT or HOST:PORT; relays needn\'t be named then' })
    .option('config', { alias: 'c', type: 'string', requiresArg: true, describe: 'a file of options; wiretape.config.ts, .js or .json is read where absent' })
    .option('json', { type: 'boolean', default: false, describe: 'print the ready lines as JSON' })
    .nargs('plugin', 1).nargs('http', 1).nargs('tcp', 1).nargs('ftp', 1).nargs('udp', 1)
}

async function run(): Promise<void> {
  const plain = plainLs(process.argv.slice(2))
  const lacking = tooFewDescriptors(plain !== null)
  if (lacking !== null) {
    process.stderr.write(`wiretape: ${lacking}\n`)
    process.exit(1)
  }
  if (plain !== null) {
    const { ls } = await import('./ls.js')
    await ls(plain)
    return
  }
  const { default: yargs } = await import('yargs')
  let exitCode = 0
  const typed = process.argv.slice(2)
  const words = typed[0] === 'toxiproxy' ? (await import('./toxiproxy.js')).readGoFlags(typed) : typed[0] === 'import' ? typed.map((word) => word === '-' ? standardInput : word) : typed
  await yargs(words)
    .scriptName('wiretape')
    .usage('$0 COMMAND\n\nRecords and shows what two programs say to each other.')
    .parserConfiguration({ 'strip-dashed': true, 'dot-notation': false })
    .command('record', 'relay traffic and record it', (parser) => relayOptions(parser)
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the recording; a new file in recordings/ where absent' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a file that exists' })
      .option('append', { type: 'boolean', default: false, describe: 'continue a recording that exists' })
      .option('slow-disk', { choices: ['pause', 'drop'] as const, default: 'pause' as const, requiresArg: true, describe: "when the disk can't keep up: stop reading, or leave bytes out and count them" })
      .example('$0 record --http 8080=http://127.0.0.1:3000', 'then point the client at http://127.0.0.1:8080')
      .example('$0 record -o db.sqlite --tcp 15432=127.0.0.1:5432', ''),
    async ({ output, overwrite, append, slowDisk, ...given }) => {
      const { relay } = await import('./relay.js')
      exitCode = await relay(given, { ...(output === undefined ? {} : { path: output }), overwrite, append, slowDisk })
    })
    .command('relay', 'relay traffic, recording nothing', (parser) => relayOptions(parser)
      .example('$0 relay --tcp 15432=127.0.0.1:5432', '').example('$0 relay --control 8474', 'then add relays and faults over HTTP'),
    async (given) => {
      const { relay } = await import('./relay.js')
      exitCode = await relay(given, null)
    })
    .command('ls [file]', 'list what was recorded', (parser) => parser
      .positional('file', { type: 'string', describe: 'a recording; the newest in recordings/ where absent' })
      .option('where', { alias: 'w', type: 'string', requiresArg: true, describe: 'an SQL condition over the view record' })
      .option('limit', { alias: 'n', requiresArg: true, describe: 'the first so many' })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on while it is being recorded' })
      .option('json', { type: 'boolean', default: false, describe: 'a JSON object a line' })
      .example('$0 ls --where "status >= 500 and duration_ms > 200"', ''),
    async ({ file, where, limit, json, follow }) => {
      const { ls } = await import('./ls.js')
      await ls({ file, where, limit: limit as number | undefined, json, follow })
    })
    .command('show <words..>', 'show one record: [FILE] ID', (parser) => parser
      .usage('$0 show [FILE] ID\n\nShows one record: an exchange with its heads and bodies, an FTP command with its replies,\na transfer with its content, a connection with its records\nand, as a conversation, what no decoder read of it.')
      .positional('words', { type: 'string', array: true, demandOption: true, describe: '[FILE] ID' })
      .option('body', { choices: ['request', 'response'] as const, requiresArg: true, describe: 'only the exact bytes of this body; an FTP transfer has one, which both words mean' })
      .option('raw', { type: 'boolean', default: false, describe: 'the exact bytes as they were on the wire' })
      .option('sent', { type: 'boolean', default: false, describe: 'with --body or --raw: what went out, where plugins changed what came' })
      .option('json', { type: 'boolean', default: false, describe: 'the facts as JSON' })
      .example('$0 show 7', '').example('$0 show 7 --body response > page.html', ''),
    async ({ words, body, raw, sent, json }) => {
      const { show } = await import('./show.js')
      await show({ words: words.map(String), body, raw, sent, json })
    })
    .command('ftp [words..]', 'draw FTP sessions: control and data side by side', (parser) => parser
      .usage('$0 ftp [FILE] [SESSION]\n\nDraws FTP sessions on one time axis: commands and replies left, data connections right.')
      .positional('words', { type: 'string', array: true, default: [], describe: '[FILE] [SESSION]: of the newest recording, all sessions or a list of them where absent' })
      .option('full', { type: 'boolean', default: false, describe: 'draw every transfer, also where runs of ordinary ones would be one line' })
      .option('svg', { type: 'string', requiresArg: true, describe: 'draw into this file, for a report' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a file that exists' })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object a session, with its commands, replies and transfers' })
      .example('$0 ftp', '').example('$0 ftp 27 --svg slow-upload.svg', ''),
    async ({ words, full, svg, overwrite, json }) => {
      const { ftp } = await import('./ftp/ftp.js')
      ftp({ words: words.map(String), full, svg, overwrite, json })
    })
    .command('export [file]', 'write a recording in another form', (parser) => parser
      .usage('$0 export [FILE] --format FORMAT\n\nWrites a recording, or some of it, as HAR, pcapng, JSON lines, curl commands, or bare bytes: to stdout, or into a file.')
      .positional('file', { type: 'string', describe: 'a recording; the newest in recordings/ where absent' })
      .option('format', { alias: 'f', choices: exportFormats, requiresArg: true, describe: 'the form' })
      .option('where', { alias: 'w', type: 'string', requiresArg: true, describe: 'an SQL condition over the view record, as for ls' })
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'a file; stdout where absent, or -' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a file that exists' })
      .option('id', { requiresArg: true, describe: 'raw: of a connection or a record' })
      .option('body', { choices: ['request', 'response'] as const, requiresArg: true, describe: 'raw: only this body of an exchange, or what this side of a connection said' })
      .option('sent', { type: 'boolean', default: false, describe: 'raw: what went out, where plugins changed what came' })
      .example('$0 export --format har -o session.har', '').example('$0 export shop.sqlite --format curl --where "status >= 500"', ''),
    async ({ file, format, where, output, overwrite, id, body, sent }) => {
      const { exportTo } = await import('./export.js')
      await exportTo({ file, format, where, output, overwrite, id: id as number | undefined, body, sent })
    })
    .command('redecode [file]', 'read a recording\'s bytes with today\'s decoders', (parser) => parser
      .usage('$0 redecode [FILE]\n\nReads the bytes of a recording anew, into another recording.')
      .positional('file', { type: 'string', describe: 'a recording; the newest in recordings/ where absent' })
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the new recording; FILE-redecoded.sqlite where absent' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a recording that exists' })
      .example('$0 redecode old.sqlite -o new.sqlite', ''),
    async ({ file, output, overwrite }) => {
      const { redecode } = await import('./redecode.js')
      redecode(file, { overwrite, ...(output === undefined ? {} : { output }) })
    })
    .command('serve [file]', 'be the recorded server', (parser) => parser
      .usage('$0 serve [FILE] --http LISTEN[=TARGET] …\n\nStands in for the servers of a recording, until Ctrl-C. Nothing is dialled, unless --on-miss says so.')
      .positional('file', { type: 'string', describe: 'a recording; the newest in recordings/ where absent' })
      .option('http', { type: 'string', array: true, default: [], requiresArg: true, describe: 'where: PORT or HOST:PORT; =TARGET where several servers were recorded (repeatable)' })
      .option('tcp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'the same for TCP' })
      .option('udp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'the same for UDP and DNS' })
      .option('ftp', { type: 'string', array: true, default: [], requiresArg: true, describe: 'the same for FTP' })
      .option('match', { alias: 'm', type: 'string', requiresArg: true, describe: 'what of a request has to be as recorded: method,path,query,body (the default), host, header:NAME' })
      .option('ignore', { alias: 'i', type: 'string', requiresArg: true, describe: 'what of that needn\'t be: query:NAME, form:NAME, json:$.PATH, or one of those' })
      .option('after', { choices: ['repeat', 'cycle', 'miss'] as const, requiresArg: true, describe: 'when all recorded answers to the same request were given: the last, the first, none (default: repeat)' })
      .option('timing', { type: 'string', defaultDescription: 'none', requiresArg: true, describe: 'none, recorded, or a factor such as 2x' })
      .option('tcp-match', { choices: ['exact', 'prefix', 'turn'] as const, requiresArg: true, describe: 'what of a TCP client\'s bytes has to be as recorded: all, the first 16 of each turn, nothing (default: exact)' })
      .option('refresh', { type: 'string', requiresArg: true, describe: 'what is made new in answers: date,cookies' })
      .option('on-miss', { type: 'string', defaultDescription: 'fail', requiresArg: true, describe: 'fail (502), forward=URL, or record=URL: the live server answers, and that is recorded' })
      .option('strict', { type: 'boolean', default: false, describe: 'exit with 1 where something had no recorded answer' })
      .option('config', { alias: 'c', type: 'string', requiresArg: true, describe: 'a file of options, with serve: { routes: [{ path, match, ignore }] }; wiretape.config.ts, .js or .json where absent' })
      .option('json', { type: 'boolean', default: false, describe: 'ready lines and misses as JSON lines' })
      .nargs('http', 1).nargs('tcp', 1).nargs('ftp', 1).nargs('udp', 1)
      .example('$0 serve --http 8080', '').example('$0 serve shop.sqlite --http 8080 --ignore query:_t,json:$.timestamp --strict', ''),
    async (given) => {
      const { serve } = await import('./serve.js')
      exitCode = await serve(given)
    })
    .command('send <file>', 'be the recorded clients, and compare the answers', (parser) => parser
      .usage('$0 send FILE --to TARGET\n\nSends what the recorded clients sent, and compares the answers with the recorded ones.\nExit code 1 where something differs.')
      .positional('file', { type: 'string', demandOption: true, describe: 'a recording' })
      .option('to', { alias: 't', type: 'string', demandOption: true, requiresArg: true, describe: 'where to: a URL for HTTP, HOST:PORT for others' })
      .option('protocol', { type: 'string', requiresArg: true, describe: 'which protocol, where several were recorded: http, tcp, udp or ftp' })
      .option('relay', { type: 'string', requiresArg: true, describe: 'which recorded relay, where several led elsewhere: its target, its port, or its name (http-8080)' })
      .option('speed', { type: 'string', default: 'max', requiresArg: true, describe: 'recorded, a factor such as 2x, or max' })
      .option('connections', { type: 'string', default: 'as-recorded', requiresArg: true, describe: 'as-recorded, or how many HTTP requests are dealt out to' })
      .option('where', { alias: 'w', type: 'string', requiresArg: true, describe: 'an SQL condition over http_exchange, connection or ftp_session: only these' })
      .option('host', { choices: ['target', 'recorded'] as const, defaultDescription: 'target', requiresArg: true, describe: 'HTTP: what Host names' })
      .option('output', { alias: ['o', 'record'], type: 'string', requiresArg: true, describe: 'the recording of the new traffic; a new file in recordings/ where absent' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a file that exists' })
      .option('plugin', { alias: 'p', type: 'string', array: true, default: [], requiresArg: true, describe: 'NAME or FILE with its options: what the new traffic passes (repeatable, in order)' })
      .option('seed', { requiresArg: true, describe: 'what every random choice of plugins follows from' })
      .option('ignore', { alias: 'i', type: 'string', array: true, default: [], requiresArg: true, describe: ignoreHelp })
      .option('masked', { choices: ['skip', 'send'] as const, default: 'skip' as const, requiresArg: true, describe: 'what has masked values: send it where a plugin puts the true ones in' })
      .option('password', { type: 'string', requiresArg: true, describe: 'FTP: what PASS says where it was masked' })
      .option('patience', { defaultDescription: '30 for HTTP and FTP, 5 for TCP, 2 for UDP', requiresArg: true, describe: "seconds without a byte, beyond those recorded, after which an answer isn't waited for" })
      .option('strict', { type: 'boolean', default: false, describe: "exit code 1 also where something couldn't be sent" })
      .option('insecure', { type: 'boolean', default: false, describe: 'accept the certificate of an https:// target unverified' })
      .option('json', { type: 'boolean', default: false, describe: 'a JSON object a line: each difference, then the summary' })
      .nargs('plugin', 1).nargs('ignore', 1)
      .example('$0 send shop.sqlite --to http://127.0.0.1:3000', '').example('$0 send shop.sqlite --to http://127.0.0.1:3000 --speed recorded --ignore json:$.timestamp', ''),
    async (given) => {
      const { send } = await import('./send.js')
      exitCode = await send(given)
    })
    .command('diff <a> <b>', 'compare the answers of two recordings', (parser) => parser
      .usage('$0 diff A B\n\nCompares what servers said to the same requests in two recordings. Exit code 1 where something differs, or can\'t be compared.')
      .positional('a', { type: 'string', demandOption: true, describe: 'a recording' })
      .positional('b', { type: 'string', demandOption: true, describe: 'another' })
      .option('ignore', { alias: 'i', type: 'string', array: true, default: [], requiresArg: true, describe: ignoreHelp })
      .option('json', { type: 'boolean', default: false, describe: 'a JSON object a line: each difference, then the summary' })
      .nargs('ignore', 1)
      .example('$0 diff yesterday.sqlite today.sqlite --ignore header:server,json:$..updatedAt', ''),
    async ({ a, b, ignore, json }) => {
      const { diff } = await import('./diff.js')
      exitCode = await diff({ a, b, ignore, json })
    })
    .command('import <files..>', 'make a recording of captures: pcap, pcapng, HAR', (parser) => parser
      .usage('$0 import FILE…\n\nMakes a recording of captures: pcap and pcapng as tcpdump and Wireshark write them, gzipped too, and HAR. - is the standard input.')
      .positional('files', { type: 'string', array: true, demandOption: true, describe: 'captures; connections go on from one to the next' })
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the recording; a new file in recordings/ where absent' })
      .option('overwrite', { type: 'boolean', default: false, describe: 'replace a file that exists' })
      .option('append', { type: 'boolean', default: false, describe: 'continue a recording that exists' })
      .option('partial', { type: 'boolean', default: false, describe: 'a capture that ends too early is no failure' })
      .option('keep-passwords', { type: 'boolean', default: false, describe: 'record the arguments of PASS and ACCT unmasked' })
      .option('json', { type: 'boolean', default: false, describe: 'the summary as JSON' })
      .example('$0 import capture.pcapng -o capture.sqlite', '').example('$0 import chrome.har', '').example('tcpdump -i any -w - | $0 import -', 'until Ctrl-C'),
    async ({ files, output, overwrite, append, partial, keepPasswords, json }) => {
      const { importFiles } = await import('./import.js')
      const named = (word: string): string => word === standardInput ? '-' : word
      exitCode = await importFiles({ files: files.map(named), output: output === undefined ? undefined : named(output), overwrite, append, partial, keepPasswords, json })
    })
    .command('plugins', 'the plugins that ship, with every option', (parser) => parser
      .option('json', { type: 'boolean', default: false, describe: 'a JSON object a line' })
      .example('$0 plugins', ''),
    async ({ json }) => {
      const { plugins } = await import('./plugins.js')
      await plugins({ json })
    })
    .command('toxiproxy', 'be a Toxiproxy server: its API, its flags, nothing recorded', (parser) => parser
      .option('host', { type: 'string', default: 'localhost', requiresArg: true, describe: 'where the API listens' })
      .option('port', { default: 8474, requiresArg: true, describe: 'its port; 0 picks one' })
      .option('config', { type: 'string', requiresArg: true, describe: 'a JSON file of proxies to start with: what POST /populate takes' })
      .option('seed', { requiresArg: true, describe: 'what every random choice follows from' })
      .option('proxy-metrics', { type: 'boolean', hidden: true }).option('runtime-metrics', { type: 'boolean', hidden: true })
      .option('json', { type: 'boolean', default: false, describe: 'print the ready lines as JSON' })
      .example('$0 toxiproxy -port 8474 -config toxiproxy.json', 'flags have one dash, as the original\'s, or two'),
    async ({ host, port, config, seed, json }) => {
      const { toxiproxy } = await import('./toxiproxy.js')
      await toxiproxy({ host, port, config, seed: seed as number | undefined, json })
    })
    .command('demo', 'real relays, recording real traffic of embedded servers', (parser) => parser
      .option('output', { alias: 'o', type: 'string', requiresArg: true, describe: 'the recording; a new file in recordings/ where absent' })
      .example('$0 demo', 'needs no network'),
    async ({ output }) => {
      const { demo } = await import('./demo/demo.js')
      await demo(output)
    })
    .demandCommand(1, 'name a command: record, relay, ls, show, ftp, serve, send, diff, import, export, redecode, plugins, toxiproxy or demo (wiretape --help tells more)')
    .strict()

    .wrap(Math.min(110, columnsOf(process.stdout)))
    .middleware((argv) => checkTypes(argv, words, optionTypes), true)
    .fail((message, error) => {
      throw error instanceof Error && error.name !== 'YError' ? error : usageError(message ?? error.message, words)
    })
    .parseAsync()
  process.exitCode = exitCode
}

// A reader that has enough (`wiretape ls | head`) is no failure, and doesn't end a recording; nor does a terminal that is gone, which a signal tells of.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !(error.code === 'EIO' && stream.isTTY)) {
      if (stream === process.stdout) process.stderr.write(`wiretape: cannot write the output: ${error.message}\n`)
      process.exit(1)
    }
    if (stream === process.stdout && !['record', 'relay', 'serve', 'toxiproxy'].includes(process.argv[2] ?? '')) process.exit(0)
  })
}

try {
  await run()
} catch (thrown) {
  process.stderr.write(`wiretape: ${printableText(messageOf(thrown))}\n`)
  process.exitCode = exitCodeOf(thrown)
}
