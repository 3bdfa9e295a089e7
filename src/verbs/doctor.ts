import type { Verb } from '../cli.ts'
import { flag, open } from './common.ts'

export const doctor: Verb = async (_, options) => {
  const { io, context } = await open(options)
  const commands = await import('../commands/doctor.ts')
  io.progress('looking at this machine')
  const found = await commands.doctor(flag(options, 'fix'), context)
  io.progress(null)
  if (!found.ok) process.exitCode = 1
  if (io.json) return io.outJson(found)
  const { renderDoctor } = await import('../render/doctor.ts')
  io.out(renderDoctor(found, io.paint))
}
