import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build as bundle, transform } from 'esbuild'
import { defineConfig, type Options } from 'tsup'

/** Big, on few paths, and always imported when it is needed: kept apart, so that no other start reads it. */
const APART = ['execa', 'ora']

/** With the names that are in the source, for profiles. */
const READABLE = Boolean(process.env.RCA_READABLE)

/** CommonJS, in one file each: Node starts it without its loader for ES modules, and reads one file instead of two hundred. */
const shared: Options = {
  platform: 'node',
  target: 'node20',
  minify: !READABLE,
  noExternal: [/.*/],
  format: 'cjs',
  splitting: false,
  removeNodeProtocol: false,
  outExtension: () => ({ js: '.cjs' }),
  esbuildOptions: (options) => {
    options.charset = 'ascii'
    // A real `import()` of CommonJS is lexed for its exports first, which takes longer than running it.
    options.supported = { 'dynamic-import': false }
    if (READABLE) Object.assign(options, { minifyWhitespace: true, minifySyntax: true })
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

/**
 * Each of our modules, and zod, in a function of its own, which is made when somebody first asks for it. In one scope all
 * functions of all modules are made at every start, and are in the compiled code that is kept (src/code-cache.ts), used or not.
 */
const separate: Plugin = {
  name: 'separate',
  setup: (build) => {
    // A namespace, so that package.json does not say that it is an ES module.
    build.onResolve({ filter: /\.ts$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path),
      namespace: 'separate',
    }))
    build.onResolve({ filter: new RegExp(`^${HELPERS_NAME}$`) }, ({ path }) => ({ path, namespace: path }))
    build.onLoad({ filter: /.*/, namespace: HELPERS_NAME }, () => ({ contents: HELPERS }))
    build.onLoad({ filter: /.*/, namespace: 'separate' }, async ({ path }) => ({
      contents: await (basename(path) === 'zod.ts' ? whole(path) : alone(path)),
      resolveDir: dirname(path),
    }))
  },
}

const HELPERS_NAME = 'modules'
const COMMON = { format: 'cjs', platform: 'node', target: 'node20' } as const

/** As CommonJS, with all that it imports. */
async function whole(path: string): Promise<string> {
  const { outputFiles } = await bundle({ ...COMMON, entryPoints: [path], bundle: true, write: false })
  return outputFiles[0]?.text ?? ''
}

/** As CommonJS, what it imports loaded when it is first used: no start loads what it does not come to. */
async function alone(path: string): Promise<string> {
  const supported = { 'dynamic-import': false }
  const { code } = await transform(await readFile(path, 'utf8'), { ...COMMON, loader: 'ts', supported })
  return whenUsed(withoutHelpers(code))
}

/** What esbuild 0.27 writes once a file, for all of ours together. */
const HELPERS = `
exports.exporting = (to, all) => {
  Object.defineProperty(to, '__esModule', { value: true })
  for (const name in all) Object.defineProperty(to, name, { get: all[name], enumerable: true })
}
class Lazy {
  constructor(load) { this.load = load }
  get m() {
    const m = this.load()
    Object.defineProperty(this, 'm', { value: m })
    return m
  }
}
exports.lazily = (load) => new Lazy(load)
exports.asModule = (found) => (found.__esModule ? found : { default: found, ...found })
`

function withoutHelpers(code: string): string {
  const end = 'module.exports = __toCommonJS(stdin_exports);'
  const exported = /^__export\(stdin_exports, (\{.*?^\})\);/ms.exec(code)?.[1]
  if (!exported || !code.includes(end)) throw new Error(`esbuild writes modules in another way: ${code}`)
  const body = code.slice(code.indexOf(end) + end.length).replaceAll('__toESM(', 'H.asModule(')
  return `var H = require(${JSON.stringify(HELPERS_NAME)});\nH.exporting(exports, ${exported});${body}`
}

/** It writes an import as `var import_name = require("path");` and every use of it as `import_name.what`. */
function whenUsed(code: string): string {
  const imports = [...code.matchAll(/^var (import_\w+) = (.*require\(.*);$/gm)]
  return imports.reduce((text, [line, name, load]) => {
    const used = (part: string) => part.replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `${name}.m.`)
    return text.split(line).map(used).join(`var ${name} = H.lazily(() => ${load});`)
  }, code)
}

/** What src/code-cache.ts relies on: ASCII, and in the last line a name for what the file holds. */
function seal(path: string): void {
  const text = readFileSync(path)
  if (text.some((byte) => byte > 0x7f)) throw new Error(`${path} is not ASCII`)
  appendFileSync(path, `\n//${createHash('sha256').update(text).digest('hex')}\n`)
}

export default defineConfig(({ outDir = 'dist' }) => {
  // Here and not with `clean`, by which the builds would remove each other's files.
  rmSync(outDir, { recursive: true, force: true })
  return [
    {
      ...shared,
      // What only says the version does not carry the rest with it.
      entry: { index: 'src/index.ts' },
    },
    {
      ...shared,
      entry: { main: 'src/main.ts' },
      esbuildPlugins: [
        apart(new RegExp(`^(${APART.join('|')})$`), (path) => `./${path}.cjs`),
        unused,
        separate,
      ],
      onSuccess: async () => seal(join(outDir, 'main.cjs')),
    },
    { ...shared, entry: Object.fromEntries(APART.map((name) => [name, `node_modules/${name}/index.js`])) },
  ]
})
