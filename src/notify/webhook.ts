import { say } from '../setting-types.ts'
import { crypto } from '../system/lazy.ts'
import * as z from '../zod.ts'
import { channelKind } from './channel.ts'
import { post } from './http.ts'
import { fixSecret, hostOf, readSecret, type Secret, secretLine, secretUrl, shownNowhere } from './secret.ts'

/** Those that say who a request is from, and what rca sets itself, are not to be set. */
const OWN =
  /^(webhook-.*|x-rca-.*|idempotency-key|content-length|content-type|host|connection|transfer-encoding)$/i

const headerName = z.string().check(
  z.refine((name) => /^[A-Za-z0-9-]+$/.test(name) && !OWN.test(name), {
    error: ({ input }) => say(input, 'is no header that can be set'),
  }),
)

const shape = {
  url: secretUrl,
  /** The key of the signature. */
  secret: z.optional(secretLine),
  headers: z.optional(z.record(headerName, secretLine)),
}

/**
 * The signature of Standard Webhooks 1.0.0 (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`. A key that begins
 * with `whsec_` is base64 behind that, any other is taken as it is. Pure.
 */
export function signature(key: string, id: string, timestamp: number, body: string): string {
  const bytes = key.startsWith('whsec_') ? Buffer.from(key.slice(6), 'base64') : Buffer.from(key)
  const hmac = crypto().createHmac('sha256', bytes).update(`${id}.${timestamp}.${body}`)
  return `v1,${hmac.digest('base64')}`
}

/** POSTs the notice as JSON, signed where there is a key. */
export const webhook = channelKind({
  type: 'webhook',
  timeoutMs: 10_000,
  shape,
  inline: (url) => (url === null ? null : { url }),
  fix: (settings, caller) => ({
    ...settings,
    url: fixSecret(settings.url, caller),
    ...(settings.secret === undefined ? {} : { secret: fixSecret(settings.secret, caller) }),
    ...(settings.headers === undefined
      ? {}
      : { headers: mapValues(settings.headers, (value) => fixSecret(value, caller)) }),
  }),
  address: ({ url }) => hostOf(url),
  secrets: ({ url, secret, headers: own = {} }) => [url, secret, ...Object.values(own)].map(shownNowhere),
  deliver: async ({ notice, settings, tries, signal }) => {
    const body = JSON.stringify(notice)
    const timestamp = Math.floor(Date.now() / 1_000)
    const key = settings.secret === undefined ? null : readSecret(settings.secret)
    const signed = key === null ? {} : { 'webhook-signature': signature(key, notice.id, timestamp, body) }
    return post({
      url: readSecret(settings.url),
      headers: {
        ...mapValues(settings.headers ?? {}, readSecret),
        'webhook-id': notice.id,
        'webhook-timestamp': String(timestamp),
        ...signed,
        'idempotency-key': notice.id,
        'x-rca-notice': notice.id,
        'x-rca-event': notice.event,
        'x-rca-try': String(tries),
      },
      body,
      signal,
    })
  },
})

function mapValues<T>(
  record: Readonly<Record<string, Secret>>,
  change: (value: Secret) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}
