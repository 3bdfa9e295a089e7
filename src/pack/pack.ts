import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { build, transform } from 'esbuild'

/**
 * Makes one file of all modules: each a CommonJS text of its own, which nobody reads before somebody asks for the module
 * (see load.ts). A bundle makes all functions of all modules at every start, used or not. It is run when rca is built.
 */

/** Big, on few paths, and left in files of their own. */
export const APART = ['execa', 'ora']
const COMMON = { format: 'cjs', platform: 'node', target: 'node20', charset: 'ascii' } as const

/** Writes the modules that `entry` comes to, with what they import of packages. `readable`: with their own names, for profiles. */
export async function writePack(path: string, entry: string, readable: boolean): Promise<void> {
  const modules = new Map<string, string>()
  const queue = [entry]
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (modules.has(id)) continue
    const code = await textOf(id, readable)
    modules.set(id, code)
    queue.push(...importsOf(code))
  }
  await writeFile(path, format(modules))
}

/** The table of all modules in the first line: where each begins and ends behind it, bytes, and a name for the whole. */
function format(modules: ReadonlyMap<string, string>): string {
  const texts = [...modules.values()]
  const odd = [...modules].find(([, text]) => text.length !== Buffer.byteLength(text))
  if (odd) throw new Error(`${odd[0]} is not ASCII when built`)
  let end = 0
  const places = [...modules].map(([id, text]) => {
    end += text.length
    return [id, [end - text.length, end]]
  })
  const hash = createHash('sha256').update(texts.join('\0')).digest('hex')
  return `${JSON.stringify({ hash, modules: Object.fromEntries(places) })}\n${texts.join('')}`
}

const importsOf = (code: string): string[] =>
  [...code.matchAll(/\brequire\("([^"]+)"\)/g)]
    .map(([, id]) => id ?? '')
    .filter((id) => !isBuiltin(id) && !id.startsWith('.'))

/** A module by its id: a path from here, or a package's name. */
async function textOf(id: string, readable: boolean): Promise<string> {
  if (id.endsWith('.json'))
    return `module.exports=${JSON.stringify(JSON.parse(await readFile(id, 'utf8')))}\n`
  const own = id.startsWith('src/') && id !== 'src/zod.ts'
  const code = own ? await alone(id) : await whole(id)
  const minified = readable ? { minifyWhitespace: true, minifySyntax: true } : { minify: true }
  return (await transform(code, { ...COMMON, ...minified, supported: { 'dynamic-import': false } })).code
}

/** As CommonJS, with all that it imports. */
async function whole(id: string): Promise<string> {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: [id],
    bundle: true,
    write: false,
    plugins: [unused],
  })
  return outputFiles[0]?.text ?? ''
}

/** commander asks for it to run subcommands that are programs of their own, which we have none of; loading it takes 3 ms. */
const unused: Parameters<typeof build>[0]['plugins'] extends (infer Plugin)[] | undefined ? Plugin : never = {
  name: 'unused',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'nothing', namespace: 'unused' } : null,
    )
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {}' }))
  },
}

/** As CommonJS, what it imports loaded when it is first used: no start loads what it does not come to. */
async function alone(id: string): Promise<string> {
  const supported = { 'dynamic-import': false }
  const { code } = await transform(await readFile(id, 'utf8'), { ...COMMON, loader: 'ts', supported })
  return whenUsed(withoutHelpers(code)).replaceAll(/\brequire\("([^"]+)"\)/g, (_, path: string) => {
    if (APART.includes(path)) return `require("./${path}.cjs")`
    return `require(${JSON.stringify(path.startsWith('.') ? relative('.', join(dirname(id), path)) : path)})`
  })
}

/** esbuild 0.27 begins every file with functions that are always the same; load.ts has them once, as `H`. */
function withoutHelpers(code: string): string {
  const end = 'module.exports = __toCommonJS(stdin_exports);'
  const exported = /^__export\(stdin_exports, (\{.*?^\})\);/ms.exec(code)?.[1] ?? '{}'
  if (!code.includes(end)) throw new Error(`esbuild writes modules in another way: ${code}`)
  const body = code.slice(code.indexOf(end) + end.length).replaceAll('__toESM(', 'H.asModule(')
  return `H.exporting(exports, ${exported});${body}`
}

/**
 * It writes an import as `var import_name = require("path");`, or with the name it was given, and every use of it as
 * `import_name.what`. Throws where one is used in another way.
 */
function whenUsed(code: string): string {
  const imports = [...code.matchAll(/^var (\w+) = (.*require\(.*);$/gm)]
  return imports.reduce((text, [line, name, load]) => {
    const parts = text.split(line)
    // Not what is a property of that name; but `...name.what` is a use.
    const used = parts.map((part) =>
      part.replaceAll(new RegExp(`(?<![\\w$]|(?<!\\.\\.)\\.)${name}\\.(?=[\\w$])`, 'g'), `${name}.m.`),
    )
    const odd = used.find((part) => new RegExp(`(?<![\\w$])${name}\\b(?!\\.m\\.)`).test(withoutTexts(part)))
    if (odd && name?.startsWith('import_')) throw new Error(`${name} is used in another way: ${odd}`)
    return used.join(`var ${name} = H.lazily(() => ${load});`)
  }, code)
}

/** Without strings and comments. */
const withoutTexts = (code: string) =>
  code.replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/gs, '""')
