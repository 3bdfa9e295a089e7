import { rmSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'

/** Big, on few paths, and always imported when it is needed: kept apart, so that no other start reads it. */
const APART = ['execa', 'ora']

const shared: Options = { platform: 'node', target: 'node20', minify: true, noExternal: [/.*/] }

/** CommonJS, in one file each: Node starts it without its loader for ES modules, and reads one file instead of thirty. */
const commonjs: Options = { ...shared, format: 'cjs', splitting: false, outExtension: () => ({ js: '.cjs' }) }

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/** Leaves an import to be resolved when it is run. */
const apart = (filter: RegExp, to: (path: string) => string): Plugin => ({
  name: 'apart',
  setup: (build) => build.onResolve({ filter }, ({ path }) => ({ path: to(path), external: true })),
})

// Here and not with `clean`, by which the builds would remove each other's files.
rmSync('dist', { recursive: true, force: true })

export default defineConfig([
  {
    ...commonjs,
    // What only says the version does not carry the rest with it.
    entry: { index: 'src/index.ts' },
    esbuildPlugins: [apart(/^\.\/main\.ts$/, () => './main.cjs')],
    // A real `import()` of CommonJS is lexed for its exports first, which takes longer than running it.
    esbuildOptions: (options) => {
      options.supported = { 'dynamic-import': false }
    },
  },
  {
    ...commonjs,
    entry: { main: 'src/main.ts' },
    esbuildPlugins: [apart(new RegExp(`^(${APART.join('|')})$`), (path) => `./${path}.mjs`)],
  },
  {
    ...shared,
    entry: Object.fromEntries(APART.map((name) => [name, `node_modules/${name}/index.js`])),
    format: 'esm',
    outExtension: () => ({ js: '.mjs' }),
    // Bundled CommonJS packages call require for Node's own modules.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  },
])
