import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that has come in. */
export interface Received {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** When it came, ms. */
  readonly at: number
}

type Answer = (request: Received, response: ServerResponse) => void

const ok: Answer = (_, response) => void response.end('ok')
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end()
/** Takes the request and never answers. */
export const hangs: Answer = () => {}
/** Answers well and never ends its answer. */
export const endless: Answer = (_, response) => void response.writeHead(200).write('on and on ')

/** An HTTP server on 127.0.0.1 that keeps what it is told and does as it is told. */
export class Receiver {
  readonly received: Received[] = []
  answer: Answer = ok
  private server: Server | null = null
  private port = 0

  /** Listens; the second time on the same port. */
  async up(): Promise<void> {
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      request.on('end', () => {
        const received = { path: request.url ?? '', headers: request.headers, body, at: Date.now() }
        this.received.push(received)
        this.answer(received, response)
      })
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve)
    })
    this.port = (server.address() as AddressInfo).port
    this.server = server
  }

  /** Breaks all connections and listens no more. */
  async down(): Promise<void> {
    const { server } = this
    this.server = null
    server?.closeAllConnections()
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
  }

  url(path = '/hook'): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  /** The bodies as JSON. */
  get bodies(): Record<string, unknown>[] {
    return this.received.map((one) => JSON.parse(one.body) as Record<string, unknown>)
  }

  get events(): unknown[] {
    return this.bodies.map((one) => one.event)
  }
}
