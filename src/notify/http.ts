import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { http, https } from '../system/lazy.ts'
import type { Outcome } from './channel.ts'
import { shorten } from './notice.ts'

/** A POST that is to get through. */
export interface Post {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

/** Of an answer so much is read, bytes, and it is waited for so long once its status is known, ms. */
const ANSWER_BYTES = 16_384
const ANSWER_MS = 1_000
const MOST_REDIRECTS = 3
/** These keep the method and the body by their definition or, for 301 and 302, by what a sender of a POST means (RFC 9110, 15.4). */
const REDIRECTS = new Set([301, 302, 307, 308])

interface Answer {
  readonly status: number
  readonly location: string | null
  readonly retryAfter: string | null
  readonly text: string
}

/** Posts once. Redirects are followed on the same host alone: to another, the notice is none of its business. */
export async function post(wanted: Post): Promise<Outcome> {
  let url = new URL(wanted.url)
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const answer = await exchange(url, wanted).catch((error: unknown) => describe(error, wanted.signal))
    if (typeof answer === 'string') return { ok: false, error: answer }
    if (!REDIRECTS.has(answer.status) || answer.location === null) return judge(answer)
    const next = URL.canParse(answer.location, url.href) ? new URL(answer.location, url) : null
    if (!next || !isSameHost(url, next)) {
      const where = next?.host ?? 'nowhere'
      return { ok: false, error: `HTTP ${answer.status}: it redirects to ${where}, which is not followed` }
    }
    url = next
  }
  return { ok: false, error: 'it redirects again and again' }
}

/** The same host and port, or the same host's https. */
function isSameHost(from: URL, to: URL): boolean {
  if (from.host === to.host && from.protocol === to.protocol) return true
  const isUpgrade = from.protocol === 'http:' && to.protocol === 'https:'
  return isUpgrade && from.hostname === to.hostname && from.port === '' && to.port === ''
}

/** Pure. */
function judge({ status, retryAfter, text }: Answer): Outcome {
  if (status >= 200 && status < 300) return { ok: true }
  const error = `HTTP ${status}${text ? `: ${text}` : ''}`
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : null
  return {
    ok: false,
    error,
    // Gone, and said to be gone for good.
    ...(status === 410 ? { hopeless: true } : {}),
    ...(seconds === null ? {} : { retryAfterMs: seconds * 1_000 }),
  }
}

function describe(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time'
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null
  const message = error instanceof Error ? error.message : String(error)
  return message || code || 'the connection failed'
}

function exchange(url: URL, { headers, body, signal }: Post): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https() : http()
    const sent: ClientRequest = request(
      url,
      { method: 'POST', signal, headers: allHeaders(url, headers, body) },
      (response) => {
        readAnswer(response).then((text) => {
          resolve({
            status: response.statusCode ?? 0,
            location: response.headers.location ?? null,
            retryAfter: response.headers['retry-after'] ?? null,
            text,
          })
          sent.destroy()
        }, reject)
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

function allHeaders(
  { username, password }: URL,
  headers: Post['headers'],
  body: string,
): OutgoingHttpHeaders {
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    ...(username ? { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } : {}),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': 'rca',
    // One that was kept for the next try may be over at the other end by then. (An agent of its own would pass by the proxy.)
    connection: 'close',
    ...headers,
  }
}

/** The beginning of the answer; one that does not end is cut off. Its status counts, whatever becomes of the rest. */
function readAnswer(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const end = () => {
      clearTimeout(timer)
      resolve(shorten(text.trim(), 200))
    }
    const timer = setTimeout(end, ANSWER_MS)
    let bytes = 0
    response.setEncoding('utf8').on('data', (chunk: string) => {
      bytes += chunk.length
      text = (text + chunk).slice(0, 1_000)
      if (bytes > ANSWER_BYTES) end()
    })
    for (const event of ['end', 'error', 'close']) response.on(event, end)
  })
}
