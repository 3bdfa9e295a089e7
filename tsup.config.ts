import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Options } from 'tsup'
import { APART, writePack } from './src/pack/pack.ts'

/** With the names that are in the source, for profiles. */
const READABLE = Boolean(process.env.RCA_READABLE)

/** CommonJS, which Node starts without its loader for ES modules. */
const shared: Options = {
  platform: 'node',
  target: 'node20',
  minify: !READABLE,
  noExternal: [/.*/],
  format: 'cjs',
  splitting: false,
  outExtension: () => ({ js: '.cjs' }),
}

export default defineConfig(({ outDir = 'dist' }) => {
  // Here and not with `clean`, by which the builds would remove each other's files.
  rmSync(outDir, { recursive: true, force: true })
  return [
    {
      ...shared,
      entry: { index: 'src/index.ts' },
      onSuccess: () => writePack(join(outDir, 'rca.pack'), 'src/main.ts', READABLE),
    },
    { ...shared, entry: Object.fromEntries(APART.map((name) => [name, `node_modules/${name}/index.js`])) },
  ]
})
