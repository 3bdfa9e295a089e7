import type { Verb } from '../cli.ts'
import { flag, oneOf, open, text } from './common.ts'

const CHANGES = ['install', 'uninstall']

export const service: Verb = async ([what = ''], options) => {
  const { io, context: here } = await open(options)
  oneOf('service', what, flag(options, 'dryRun') ? CHANGES : [...CHANGES, 'status'])
  const socket = text(options, 'tmuxSocket')
  const context = socket === null ? here : { ...here, env: { ...here.env, RCA_TMUX_SOCKET: socket } }
  const commands = await import('../commands/service.ts')
  const { renderService, renderServicePlan } = await import('../render/service.ts')
  if (what === 'status') {
    const found = await commands.serviceStatus(context)
    if (!found.installed || !found.active) process.exitCode = 1
    return io.json ? io.outJson(found) : io.out(renderService(found, null, io.paint))
  }
  const change = what === 'install' ? 'install' : 'uninstall'
  if (flag(options, 'dryRun')) {
    const plan = await commands.planService(change, context)
    return io.json ? io.outJson(plan) : io.out(renderServicePlan(plan))
  }
  const result = await commands.changeService(change, context)
  return io.json ? io.outJson(result) : io.out(renderService(result, result.done, io.paint))
}
