// @ts-check
/**
 * Whether this stream gets colours: NO_COLOR (no-color.org) and FORCE_COLOR first, else whether it is a terminal.
 * @param {import('node:tty').WriteStream} stream
 */
export function wantsColour(stream) {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR) return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0'
  return stream.isTTY === true && TERM !== 'dumb'
}
