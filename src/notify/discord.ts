import { incomingWebhook } from './incoming.ts'
import { type Notice, shorten } from './notice.ts'

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

export const discord = incomingWebhook('discord', discordBody)
