/**
 * How a program has a terminal's screen to itself and gives it back: the alternate screen, no cursor, and lines that are too
 * long cut and not wrapped (xterm's control sequences, which tmux, screen and every terminal of today know).
 */
export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
export const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'

/**
 * What draws `text` over what stood there before, without clearing first, which would flicker: each line is written over the
 * old one and the rest of it cut off. Terminals that know the sequence show it all at once (synchronized output, 2026).
 * `last` stands below; of more lines than fit it is said how many there are. Pure.
 */
export function frame(text: string, last: string, rows: number): string {
  const lines = text.trimEnd().split('\n')
  const room = Math.max(1, rows - 1)
  const more = lines.length - room
  const shown = more > 0 ? [...lines.slice(0, room - 1), `… ${more + 1} more`] : lines
  const drawn = [...shown, last].map((line) => `${line}\x1b[K`).join('\r\n')
  return `\x1b[?2026h\x1b[H${drawn}\x1b[J\x1b[?2026l`
}
