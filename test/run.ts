import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/*
 * Runs ava, prints each test as it ends, names what was skipped, tells every failure again, whole, and closes with one line of counts:
 * the end of a long log is what people read. WIRETAPE_TEST_NO_SKIPS=1 makes a skipped test a failure, for machines that have every
 * optional program.
 */

const words = process.argv.slice(2)
const noSkips = process.env['WIRETAPE_TEST_NO_SKIPS'] === '1'
const ava = fileURLToPath(new URL('cli.mjs', import.meta.resolve('ava')))
const child = spawn(process.execPath, [ava, '--tap', ...words], { stdio: ['ignore', 'pipe', 'inherit'] })

let passed = 0
let failed = 0
let inFailure = false
const skipped: string[] = []
/** The lines that tell of failed tests: each one's title, then what ava says of it. */
const failures: string[] = []

function tellFailure(line: string): void {
  failures.push(line)
  console.log(line)
}

createInterface({ input: child.stdout }).on('line', (line) => {
  const result = /^(not )?ok \d+ - (.*)$/.exec(line)
  if (result !== null) {
    const [, not, title = ''] = result
    inFailure = not !== undefined
    if (inFailure) {
      failed++
      tellFailure(`✘ ${title}`)
    } else if (/# SKIP/i.test(title)) {
      skipped.push(title.replace(/\s*# SKIP.*$/i, ''))
    } else {
      passed++
      console.log(`✔ ${title}`)
    }
  } else if (/^(?:TAP version|1\.\.\d|---$|# (?:tests|pass|fail|skip))/.test(line)) {
    inFailure = false
  } else if (line.startsWith('#') ? line.trim() !== '#' && inFailure : inFailure || line.startsWith('    #')) {
    tellFailure(line)
  }
}).on('close', () => {
  for (const title of skipped) console.log(`- skipped: ${title}`)
})

child.on('close', (code) => {
  if (code !== 0 && failed === 0) {
    failed++
    tellFailure(`✘ the test runner ended with ${code}`)
  }
  if (failures.length > 0) console.log(['', 'What failed:', ...failures, ''].join('\n'))
  if (noSkips && skipped.length > 0) console.log(`✘ ${skipped.length} tests were skipped where none may be`)
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`)
  process.exitCode = failed > 0 || passed === 0 || (noSkips && skipped.length > 0) ? 1 : 0
})
