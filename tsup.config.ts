import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts' },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  splitting: true,
  clean: true,
  minify: true,
  // Everything is bundled so that a start reads a few files and not hundreds.
  noExternal: [/.*/],
  // Bundled CommonJS packages (commander, cli-table3) call require for Node's own modules.
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
})
