import { channelKind, type Kind } from './channel.ts'
import { post } from './http.ts'
import type { Notice } from './notice.ts'
import { fixSecret, hostOf, readSecret, secretUrl, shownNowhere } from './secret.ts'

/** A chat's incoming webhook: its address is all that there is to know, and the secret. `bodyOf`: what the chat wants to read. */
export function incomingWebhook(type: string, bodyOf: (notice: Notice) => unknown): Kind {
  return channelKind({
    type,
    timeoutMs: 10_000,
    shape: { url: secretUrl },
    inline: (url) => (url === null ? null : { url }),
    fix: ({ url }, caller) => ({ url: fixSecret(url, caller) }),
    address: ({ url }) => hostOf(url),
    secrets: ({ url }) => [shownNowhere(url)],
    deliver: async ({ notice, settings, signal }) =>
      post({ url: readSecret(settings.url), headers: {}, body: JSON.stringify(bodyOf(notice)), signal }),
  })
}
