import { definePlugin, delay } from 'wiretape'

export default definePlugin({
  name: 'delay',
  description: 'Holds messages back: HTTP requests, FTP commands, datagrams, and the opening of TCP connections.',
  options: {
    ms: { type: 'number', required: true, minimum: 0, maximum: 3_600_000, description: 'How long, in ms.' },
    jitter: { type: 'number', default: 0, minimum: 0, maximum: 3_600_000, description: 'Up to so much more or less, in ms, evenly spread.' },
    share: { type: 'number', default: 1, minimum: 0, maximum: 1, description: 'The share of messages that wait.' },
    path: { type: 'string', default: '/', description: 'HTTP: only where the path begins so.' },
  },
  setup({ options: { ms, jitter, share, path }, random }) {
    // Drawn for each message whether it waits or not, so that one share's messages are the same in every run.
    const wait = (sequence: string) => {
      const waits = random(sequence) < share
      const time = Math.max(0, ms + (random(sequence) * 2 - 1) * jitter)
      return waits ? delay(time) : undefined
    }
    return {
      connection: { open: ({ protocol }) => protocol === 'tcp' ? wait('open') : undefined },
      http: { request: (request) => request.path.startsWith(path) ? wait('up') : undefined },
      ftp: { command: () => wait('up') },
      udp: { datagram: ({ direction }) => wait(direction) },
    }
  },
})
