// @ts-check
import { parseArgs } from 'node:util'
import { SECTIONS } from './sections/index.mjs'

/** @param {string[]} argv */
export function readOptions(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      runs: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const names = SECTIONS.map(({ name }) => name)
  for (const name of values.only ?? []) {
    if (!names.includes(name)) throw new Error(`--only ${name}: there are ${names.join(', ')}`)
  }
  const runs = Number(values.runs ?? (values.short ? 5 : 20))
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a number from 1 on')
  const sections = SECTIONS.filter(({ name }) => values.only?.includes(name) ?? true)
  return { short: values.short, runs, json: values.json, sections }
}
