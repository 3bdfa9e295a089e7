import { rmSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'

/** Big, on few paths, and always imported when it is needed: kept apart, so that no other start reads it. */
const APART = ['execa', 'ora']

const shared: Options = { platform: 'node', target: 'node20', minify: true, noExternal: [/.*/] }

// Here and not with `clean`, by which the two builds would remove each other's files.
rmSync('dist', { recursive: true, force: true })

export default defineConfig([
  {
    ...shared,
    // One file that Node starts without its loader for ES modules: `rca list` takes a fifth less than as a dozen of those.
    entry: { index: 'src/index.ts', main: 'src/main.ts' },
    format: 'cjs',
    splitting: false,
    outExtension: () => ({ js: '.cjs' }),
    esbuildPlugins: [
      {
        name: 'apart',
        setup: (build) => {
          build.onResolve({ filter: new RegExp(`^(${APART.join('|')})$`) }, ({ path }) => ({
            path: `./${path}.mjs`,
            external: true,
          }))
          // What only says the version does not carry the rest with it.
          build.onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: './main.cjs', external: true }))
        },
      },
    ],
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
