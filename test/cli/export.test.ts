import { lstatSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { exportRecording } from 'wiretape'
import { installed } from '../real/installed.js'
import { run, script } from '../real/program.js'
import { temporaryFolder } from '../real/temporary-folder.js'
import { recordedHttp } from '../replay/served.js'
import { exported } from '../formats/exported.js'
import { wiretape } from './wiretape.js'

const main = script(import.meta.url, '../../src/cli/main.js')

const withShell = installed('bash') && installed('head') ? test : test.skip

const asking = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/books?page=1`, { method: 'POST', body: 'x' })).text()

test('export writes to stdout, or into a file that only its owner reads', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded \u009b31m'), asking)
  const folder = temporaryFolder(t)
  for (const format of ['har', 'pcapng', 'jsonl', 'curl'] as const) {
    const expected = await exported(path, { format })
    const { code, stdout, stderr } = await wiretape(t, 'export', path, '--format', format)
    t.deepEqual([code, stderr], [0, ''])
    t.true(stdout.equals(expected))
    const output = join(folder, format)
    t.deepEqual(await wiretape(t, 'export', path, '-f', format, '-o', output), { code: 0, signal: null, stdout: Buffer.alloc(0), stderr: '' })
    t.true(readFileSync(output).equals(expected))
    t.is(statSync(output).mode & 0o777, 0o600)
    const again = await wiretape(t, 'export', path, '-f', format, '-o', output)
    t.deepEqual([again.code, again.stderr], [2, `wiretape: ${output} exists: choose another name, or --overwrite it\n`])
    t.is((await wiretape(t, 'export', path, '-f', format, '-o', output, '--overwrite')).code, 0)
  }
  const { stdout } = await wiretape(t, 'export', path, '--format', 'raw', '--id', '2', '--body', 'request')
  t.is(stdout.toString(), 'x')
})

test('-o - is the standard output for export, and refused by what makes recordings', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  const folder = temporaryFolder(t)
  const inFolder = (...words: string[]) => run(t, 'env', ['-C', folder, process.execPath, main, ...words])
  for (const format of ['jsonl', 'pcapng'] as const) {
    t.deepEqual(await inFolder('export', path, '-f', format, '-o', '-'), { code: 0, signal: null, stdout: Buffer.from(await exported(path, { format })), stderr: '' })
  }
  const capture = join(temporaryFolder(t), 'x.pcapng')
  await exportRecording(path, { format: 'pcapng', output: capture })
  for (const words of [
    ['record', '--tcp', '0=127.0.0.1:9'], ['record', '--append', '--tcp', '0=127.0.0.1:9'], ['demo'], ['import', capture], ['redecode', path], ['send', path, '--to', 'http://127.0.0.1:9'],
  ]) {
    t.deepEqual(await inFolder(...words, '-o', '-'), {
      code: 2, signal: null, stdout: Buffer.alloc(0), stderr: 'wiretape: -o -: a recording is written in many places at once, which the standard output can\'t be: name a file\n',
    })
  }
  t.deepEqual(readdirSync(folder), [])
})

test('export: what can\'t be is one line, and exit code 2', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  for (const [args, message] of [
    [[], /^wiretape: name a --format: har, pcapng, jsonl, curl, raw\n$/],
    [['--format', 'xml'], /^wiretape: --format xml: expected one of har, pcapng, jsonl, curl, raw\n$/],
    [['--format', 'har', '--where', 'nmae = 1'], /^wiretape: --where nmae = 1: there is no column nmae/],
    [['--format', 'raw'], /^wiretape: --format raw needs --id/],
    [['--format', 'raw', '--id', 'x'], /^wiretape: --id "x": expected a number\n$/],
    [['--format', 'raw', '--id', '999'], /^wiretape: there is no record 999 in/],
    [['--format', 'har', '-o', path, '--overwrite'], /^wiretape: -o .* is the recording itself: choose another name\n$/],
  ] as const) {
    const { code, stderr, stdout } = await wiretape(t, 'export', path, ...args)
    t.deepEqual([code, message.test(stderr), stdout.length], [2, true, 0], stderr)
  }
  t.is((await wiretape(t, 'export', join(temporaryFolder(t), 'none'), '-f', 'har')).code, 2)
})

withShell('export: a file is replaced once the new one is whole; a link, a pipe and a folder stay what they are', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end(Buffer.alloc(3_000_000, 'x')), asking)
  const folder = temporaryFolder(t)
  const [old, link] = [join(folder, 'old'), join(folder, 'link')]
  const har = (...args: string[]) => wiretape(t, 'export', path, '-f', 'har', ...args)
  writeFileSync(old, 'old')
  symlinkSync(old, link)
  t.deepEqual([(await har('-o', link)).code, readFileSync(old, 'utf8')], [2, 'old'])
  t.is((await har('-o', link, '--overwrite')).code, 0)
  t.true(lstatSync(link).isSymbolicLink())
  t.true(statSync(old).size > 3_000_000)
  for (const more of [[], ['--overwrite']]) {
    const pipe = join(temporaryFolder(t), 'pipe')
    const { stdout } = await run(t, 'bash', ['-c', `mkfifo ${pipe}; cat ${pipe} | wc -c & "$0" "$1" export "$2" -f har -o ${pipe} ${more.join('')}; wait`, process.execPath, main, path])
    t.deepEqual([Number(stdout), statSync(pipe).isFIFO()], [statSync(old).size, true])
    const inFolder = await har('-o', folder, ...more)
    t.deepEqual([inFolder.code, inFolder.stderr], [2, `wiretape: ${folder} is a folder: name a file in it\n`])
  }
  t.deepEqual(readdirSync(folder).toSorted(), ['link', 'old'])
})

test('export: a name that can\'t be is one line', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded'), asking)
  const folder = temporaryFolder(t)
  const loop = join(folder, 'loop')
  symlinkSync(loop, loop)
  for (const output of [join(folder, 'x'.repeat(300)), loop]) {
    const { code, stderr } = await wiretape(t, 'export', path, '-f', 'har', '-o', output)
    t.is(code, 1)
    t.regex(stderr, /^wiretape: cannot write [^\n]+: E(?:NAMETOOLONG|LOOP)[^\n]*\n$/)
  }
})

withShell('export: a disk that is full leaves the old file, and no half of the new one', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end(Buffer.alloc(3_000_000, 'x')), asking)
  const folder = temporaryFolder(t)
  const old = join(folder, 'old')
  writeFileSync(old, 'old')
  for (const output of [`${old} --overwrite`, join(folder, 'new')]) {
    // In blocks of 1 KiB, and the signal for it would kill.
    const { stdout, stderr } = await run(t, 'bash', ['-c', `trap '' XFSZ; ulimit -f 1000; "$0" "$1" export "$2" -f har -o ${output}; echo $?`, process.execPath, main, path])
    t.is(stdout.toString(), '1\n')
    t.regex(stderr, /^wiretape: cannot write .*: EFBIG/)
  }
  t.deepEqual([readFileSync(old, 'utf8'), readdirSync(folder)], ['old', ['old']])
})

withShell('a reader that has enough is no failure', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end(Buffer.alloc(5_000_000, 'x')), asking)
  for (const format of ['har', 'pcapng']) {
    const { stdout, stderr } = await run(t, 'bash', ['-c', `"$0" "$1" export "$2" -f ${format} | head -c 10 | wc -c; echo "\${PIPESTATUS[0]}"`, process.execPath, main, path])
    t.deepEqual([stdout.toString().trim().split(/\s+/), stderr], [['10', '0'], ''])
  }
})

const withScript = installed('script') ? test : test.skip

withScript('a terminal gets no bytes that it would act on', async (t) => {
  const { path } = await recordedHttp(t, (_, response) => response.end('recorded \u009b31m'), asking)
  const onTerminal = (args: string) => run(t, 'script', ['-qec', `"${process.execPath}" "${main}" export "${path}" ${args}`, '/dev/null'])
  for (const args of ['-f pcapng', '-f raw --id 2']) {
    const { stdout, code } = await onTerminal(args)
    t.regex(stdout.toString(), /^wiretape: --format (?:pcapng|raw) is binary, and not for a terminal: name a file with -o, or pipe it on\r\n$/)
    t.is(code, 2)
  }
  const { stdout } = await onTerminal('-f har')
  t.true(stdout.toString().includes('recorded \\u009b31m'))
  t.false(stdout.toString().includes('\u009b'))
})
