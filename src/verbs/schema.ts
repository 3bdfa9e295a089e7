import type { Verb } from '../cli.ts'
import { RcaError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { open } from './common.ts'

export const schema: Verb = async ([name], options) => {
  const { io } = await open(options)
  const { DOCUMENTS, documentNamed, jsonSchema } = await import('../schema/index.ts')
  const names = Object.keys(DOCUMENTS)
    .map((one) => documentNamed(one))
    .filter((one) => one !== null)
  if (name === undefined)
    return io.out(
      `${JSON.stringify(Object.fromEntries(names.map((one) => [one, jsonSchema(one)])), null, 2)}\n`,
    )
  const found = documentNamed(name)
  if (found) return io.out(`${JSON.stringify(jsonSchema(found), null, 2)}\n`)
  const near = nearest(name, names)
  const hint = `${near ? `Did you mean ${near}? ` : ''}One of: ${names.join(', ')}; or a verb.`
  throw new RcaError('usage', `There is no schema ${JSON.stringify(name)}`, hint)
}
