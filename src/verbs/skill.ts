import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { flag, oneOf, open } from './common.ts'

const WHAT = ['install', 'show', 'path']

export const skill: Verb = async ([what = '', dir], options) => {
  oneOf('skill', what, WHAT)
  if (what !== 'install' && (dir !== undefined || flag(options, 'force')))
    throw new RcaError(
      'usage',
      `skill ${what} takes neither a folder nor --force`,
      'They are for skill install.',
    )
  const { io, context } = await open(options)
  const commands = await import('../commands/skill.ts')
  if (what === 'install') {
    const done = commands.installSkill(dir ?? null, flag(options, 'force'), context)
    return io.json ? io.outJson(done) : io.out(done.map((one) => `${one.path} ${one.done}\n`).join(''))
  }
  const path = commands.skillPath(context)
  if (what === 'path') return io.json ? io.outJson({ path }) : io.out(`${path}\n`)
  const text = commands.skillText(context)
  return io.json ? io.outJson({ path, text }) : io.out(text)
}
