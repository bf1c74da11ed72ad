import type { Interpreter, InterpreterContext } from './interpreter.js'
import { FtpInterpreter } from './ftp/ftp-interpreter.js'
import { HttpInterpreter } from './http-interpreter.js'
import { DatagramInterpreter } from './udp/datagram-interpreter.js'
import { OpaqueInterpreter } from './opaque-interpreter.js'

/** The registry: a connection's `protocol` picks its interpreter. A new protocol joins here. */
const interpreters: Readonly<Record<string, (context: InterpreterContext) => Interpreter>> = {
  http: (context) => new HttpInterpreter(context),
  udp: (context) => new DatagramInterpreter(context),
  ftp: (context) => new FtpInterpreter(context),
  tcp: (context) => new OpaqueInterpreter(context),
}

export function interpreterFor(protocol: string, context: InterpreterContext): Interpreter {
  return (interpreters[protocol] ?? interpreters['tcp']!)(context)
}
