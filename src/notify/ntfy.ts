import { between } from '../setting-types.ts'
import * as z from '../zod.ts'
import { channelKind } from './channel.ts'
import { post } from './http.ts'
import { type Notice, shorten } from './notice.ts'
import { fixSecret, hostOf, readSecret, secretLine, secretUrl, shownNowhere } from './secret.ts'

/** ntfy makes an attachment of a message of more than 4096 bytes (docs.ntfy.sh, "Limitations"). */
const TEXT_BYTES = 4_000
const PUBLIC = 'https://ntfy.sh/'

const PRIORITIES: Record<string, number> = {
  done: 3,
  failed: 4,
  'gave-up': 4,
  stalled: 4,
  killed: 3,
  test: 3,
}
/** Short codes of emoji, which ntfy puts before the title. */
const TAGS: Record<string, string> = {
  done: 'white_check_mark',
  failed: 'x',
  'gave-up': 'x',
  stalled: 'zzz',
  waiting: 'hourglass',
  crashed: 'warning',
}

/** Publishing as JSON (docs.ntfy.sh) goes to the server's root, and names the topic in the body. Throws where there is none. Pure. */
export function ntfyTarget(address: string): { url: string; topic: string } {
  const url = new URL(address)
  const parts = url.pathname.split('/').filter(Boolean)
  const topic = parts.pop()
  if (topic === undefined) throw new Error('the address names no topic')
  url.pathname = `/${parts.join('/')}`
  url.search = ''
  return { url: url.href, topic: decodeURIComponent(topic) }
}

/** `sequence_id`: a newer server shows a repeat in the place of the first one, an older one passes it over. Pure. */
export function ntfyBody(notice: Notice, topic: string, priority: number | undefined): unknown {
  const tag = TAGS[notice.event]
  return {
    topic,
    title: notice.title,
    message: shortenBytes(notice.text || notice.title, TEXT_BYTES),
    priority: priority ?? PRIORITIES[notice.event] ?? 2,
    tags: tag === undefined ? [] : [tag],
    sequence_id: notice.id.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(-64),
  }
}

function shortenBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text
  return shorten(text, Math.floor(bytes / 3))
}

/** ntfy, the public server or one's own; who knows a public topic's name can read it. */
export const ntfy = channelKind({
  type: 'ntfy',
  timeoutMs: 10_000,
  shape: {
    url: secretUrl,
    /** An access token. */
    token: z.optional(secretLine),
    priority: z.optional(between(z.int, 'a whole number', 1, 5)),
  },
  inline: (text) => {
    if (text === null) return null
    return { url: /^[A-Za-z0-9_-]{1,64}$/.test(text) ? `${PUBLIC}${text}` : text }
  },
  fix: (settings, caller) => ({
    ...settings,
    url: fixSecret(settings.url, caller),
    ...(settings.token === undefined ? {} : { token: fixSecret(settings.token, caller) }),
  }),
  address: ({ url }) => hostOf(url),
  secrets: ({ url, token }) => [shownNowhere(url), shownNowhere(token)],
  deliver: async ({ notice, settings, signal }) => {
    const { url, topic } = ntfyTarget(readSecret(settings.url))
    const token = settings.token === undefined ? null : readSecret(settings.token)
    const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
    return post({ url, headers, body: JSON.stringify(ntfyBody(notice, topic, settings.priority)), signal })
  },
})
