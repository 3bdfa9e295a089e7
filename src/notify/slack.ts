import { incomingWebhook } from './incoming.ts'
import { LAST_EVENTS, type Notice, shorten } from './notice.ts'

/** Beyond this Slack folds a message away; a section's text ends at 3000 (docs.slack.dev, Block Kit). */
const TEXT_LENGTH = 2_500

/** The three characters that Slack takes for markup (api.slack.com/docs/message-formatting): `<!channel>` then calls nobody. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** What an incoming webhook is told: a line for the notification, and the same with the notice's id as blocks. Pure. */
export function slackBody(notice: Notice): unknown {
  const { id, title, text, host } = notice
  const shown = shorten(text, TEXT_LENGTH)
  const mark = LAST_EVENTS.has(notice.event) ? (notice.event === 'done' ? '✅ ' : '❌ ') : ''
  const plain = (words: string) => ({ type: 'plain_text', text: words, emoji: false })
  return {
    text: escapeSlack(`${mark}${title}\n${shown}`),
    blocks: [
      { type: 'section', text: plain(`${mark}${title}`) },
      ...(shown === '' ? [] : [{ type: 'section', text: plain(shown) }]),
      { type: 'context', elements: [plain(shorten(`${host} · ${id}`, 200))] },
    ],
    unfurl_links: false,
    unfurl_media: false,
  }
}

export const slack = incomingWebhook('slack', slackBody)
