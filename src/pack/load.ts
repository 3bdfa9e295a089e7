import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Compiled } from './compiled.ts'

type Env = Readonly<Record<string, string | undefined>>
type Module = { exports: unknown }
type Run = (
  exports: unknown,
  require: (id: string) => unknown,
  module: Module,
  helpers: typeof HELPERS,
) => void

/**
 * Loads a module of a file that pack.ts has written, and others of it when they are asked for. `part`: what it is run for; each
 * has compiled code of its own.
 */
export function load(file: string, id: string, part: string, env: Env): unknown {
  const bytes = readFileSync(file)
  const start = bytes.indexOf('\n') + 1
  const { hash, modules } = JSON.parse(bytes.toString('latin1', 0, start))
  const compiled = new Compiled(hash, part, env)
  const loaded = new Map<string, Module>()
  const others = createRequire(file)
  const require = (name: string): unknown => {
    const known = loaded.get(name)
    if (known) return known.exports
    const place: [number, number] | undefined = modules[name]
    if (!place) return others(name)
    const module: Module = { exports: {} }
    loaded.set(name, module)
    const text = bytes.toString('latin1', start + place[0], start + place[1])
    const script = compiled.script(name, `(function(exports,require,module,H){${text}\n})`, `${file}/${name}`)
    const run: Run = script.runInThisContext()
    run(module.exports, require, module, HELPERS)
    return module.exports
  }
  const found = require(id)
  compiled.keepAtExit()
  return found
}

/** What modules of ours do at their beginning; see pack.ts. */
const HELPERS = {
  exporting(to: object, all: Record<string, () => unknown>): void {
    Object.defineProperty(to, '__esModule', { value: true })
    for (const name in all)
      Object.defineProperty(to, name, { get: all[name] as () => unknown, enumerable: true })
  },
  lazily: (load: () => unknown) => new Lazy(load),
  asModule: (found: { __esModule?: boolean }) => (found.__esModule ? found : { default: found, ...found }),
}

/** An import that is loaded when it is first used. */
class Lazy {
  constructor(private readonly load: () => unknown) {}

  get m(): unknown {
    const value = this.load()
    Object.defineProperty(this, 'm', { value })
    return value
  }
}
