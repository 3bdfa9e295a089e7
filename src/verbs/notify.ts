import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { interruptible, oneOf, open } from './common.ts'

export const notify: Verb = async ([what = '', channel], options) => {
  const { io, context } = await open(options)
  oneOf('notify', what, ['test', 'list'])
  const commands = await import('../commands/notify.ts')
  const { renderChannels, renderNotifyTest } = await import('../render/notify.ts')
  if (what === 'list') {
    const channels = commands.notifyList(context)
    return io.json ? io.outJson(channels) : io.out(renderChannels(channels, io.paint))
  }
  if (channel === undefined) {
    throw new RcaError(
      'usage',
      'notify test takes a channel',
      'A name of config.json, or a kind: rca notify test desktop.',
    )
  }
  const stop = interruptible(() => {})
  const result = await commands.notifyTest(channel, context, stop)
  if (!result.delivered) process.exitCode = 1
  return io.json ? io.outJson(result) : io.out(renderNotifyTest(result, io.paint))
}
