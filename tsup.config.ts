import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Options } from 'tsup'

/** Big, on few paths, and always imported when it is needed: kept apart, so that no other start reads it. */
const APART = ['execa', 'ora']

/** RCA_READABLE: with the names that are in the source, for profiles. */
const minify = !process.env.RCA_READABLE

/** CommonJS, in one file each: Node starts it without its loader for ES modules, and reads one file instead of thirty. */
const shared: Options = {
  platform: 'node',
  target: 'node20',
  minify,
  noExternal: [/.*/],
  format: 'cjs',
  splitting: false,
  outExtension: () => ({ js: '.cjs' }),
  esbuildOptions: (options) => {
    options.charset = 'ascii'
    // A real `import()` of CommonJS is lexed for its exports first, which takes longer than running it.
    options.supported = { 'dynamic-import': false }
  },
}

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/** Leaves an import to be resolved when it is run. */
const apart = (filter: RegExp, to: (path: string) => string): Plugin => ({
  name: 'apart',
  setup: (build) => build.onResolve({ filter }, ({ path }) => ({ path: to(path), external: true })),
})

/** commander asks for it to run subcommands that are programs of their own, which we have none of; loading it takes 3 ms. */
const unused: Plugin = {
  name: 'unused',
  setup: (build) => {
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'nothing', namespace: 'unused' } : null,
    )
    build.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** What src/code-cache.ts relies on: ASCII, and in the last line a name for what the file holds. */
function seal(path: string): void {
  const text = readFileSync(path)
  if (text.some((byte) => byte > 0x7f)) throw new Error(`${path} is not ASCII`)
  appendFileSync(path, `\n//${createHash('sha256').update(text).digest('hex')}\n`)
}

// Here and not with `clean`, by which the builds would remove each other's files.
rmSync('dist', { recursive: true, force: true })

export default defineConfig(({ outDir = 'dist' }) => [
  {
    ...shared,
    // What only says the version does not carry the rest with it.
    entry: { index: 'src/index.ts' },
  },
  {
    ...shared,
    entry: { main: 'src/main.ts' },
    esbuildPlugins: [apart(new RegExp(`^(${APART.join('|')})$`), (path) => `./${path}.cjs`), unused],
    onSuccess: async () => seal(join(outDir, 'main.cjs')),
  },
  { ...shared, entry: Object.fromEntries(APART.map((name) => [name, `node_modules/${name}/index.js`])) },
])
