import test from 'ava'
import Sqlite from 'better-sqlite3'
import { textOf } from '../real/relaying.js'
import { Ingesting } from './ingesting.js'

/** Stands for a value that slipped through: the database won't have commands of that verb. */
function refuseVerb(path: string, verb: string): void {
  const database = new Sqlite(path)
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON ftp_command WHEN new.verb = '${verb}' BEGIN SELECT raise(ABORT, 'unfit'); END`)
  database.close()
}

for (const when of ['at its reply', 'at a commit']) {
  test(`a row that the database won't take, ${when}, ends the decoding of its connection and nothing else`, async (t) => {
    const tape = new Ingesting(t)
    tape.commits()
    refuseVerb(tape.path, 'WRONG')
    const control = tape.control()
    tape.says(control, 'up', 'NOOP\r\nWRONG\r\n')
    tape.says(control, 'down', '200 first\r\n')
    if (when === 'at a commit') tape.commits()
    tape.says(control, 'down', '200 second\r\n')
    tape.says(control, 'up', 'PASS hunter2\r\nNOOP\r\n')
    tape.commits()
    const other = tape.control()
    tape.says(other, 'up', 'SYST\r\n')
    tape.says(other, 'down', '215 UNIX\r\n')
    tape.closes(control)
    tape.closes(other)
    const recording = tape.recorded()
    const [failed] = recording.events({ where: 'kind = \'decoder-failed\'' })
    t.regex(failed!.text, /the rest is kept undecoded: unfit/)
    const [first] = recording.connections()
    t.is(await textOf(recording.stream(first!.id, 'up')), 'NOOP\r\nWRONG\r\nPASS *******\r\nNOOP\r\n')
    t.is(await textOf(recording.stream(first!.id, 'down')), '220 ready\r\n200 first\r\n200 second\r\n')
    t.deepEqual([...recording.ftpCommands()].map(({ verb }) => verb), ['NOOP', 'SYST'])
  })
}
