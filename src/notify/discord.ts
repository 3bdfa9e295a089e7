import { channelKind } from './channel.ts'
import { post } from './http.ts'
import { type Notice, shorten } from './notice.ts'
import { fixSecret, hostOf, readSecret, secretUrl, shownNowhere } from './secret.ts'

/** Discord's limits (docs.discord.com, "Execute Webhook" and "Embed Limits"), less what the marks take. */
const TITLE_LENGTH = 250
const TEXT_LENGTH = 3_500

const COLOURS: Record<string, number> = {
  done: 0x2ea043,
  failed: 0xd1242f,
  'gave-up': 0xd1242f,
  killed: 0x9e6a03,
  stalled: 0x9e6a03,
  crashed: 0x9e6a03,
}
const OTHER_COLOUR = 0x6e7781

/** Discord's markdown, taken literally. */
function escapeDiscord(text: string): string {
  return text.replaceAll(/[\\`*_~|>#\-[\]()<@]/g, '\\$&')
}

/** One embed, with the notice's id below it; nobody is called (`allowed_mentions`), whatever the text says. Pure. */
export function discordBody(notice: Notice): unknown {
  return {
    username: 'rca',
    embeds: [
      {
        title: escapeDiscord(shorten(notice.title, TITLE_LENGTH / 2)),
        description: shorten(escapeDiscord(shorten(notice.text, TEXT_LENGTH)), TEXT_LENGTH),
        color: COLOURS[notice.event] ?? OTHER_COLOUR,
        timestamp: notice.at,
        footer: { text: shorten(`${notice.host} · ${notice.id}`, 200) },
      },
    ],
    allowed_mentions: { parse: [] },
  }
}

/** Discord's webhooks: the address is the secret. */
export const discord = channelKind({
  type: 'discord',
  timeoutMs: 10_000,
  shape: { url: secretUrl },
  inline: (url) => (url === null ? null : { url }),
  fix: ({ url }, caller) => ({ url: fixSecret(url, caller) }),
  address: ({ url }) => hostOf(url),
  secrets: ({ url }) => [shownNowhere(url)],
  deliver: async ({ notice, settings, signal }) =>
    post({ url: readSecret(settings.url), headers: {}, body: JSON.stringify(discordBody(notice)), signal }),
})
