import type { Context } from '../context.ts'
import { diagnose, type Finding, type FixName } from '../doctor/findings.ts'
import { FIXES } from '../doctor/fixes.ts'
import { look } from '../doctor/look.ts'

/** One repair that was tried. */
interface Repair {
  readonly name: FixName
  readonly what: string
  readonly done: boolean
  /** Why not, or null. */
  readonly error: string | null
}

export interface DoctorJson {
  readonly schema: 1
  /** No finding is a problem. */
  readonly ok: boolean
  readonly findings: readonly Finding[]
  /** What `--fix` did; the findings are those after it. */
  readonly repairs: readonly Repair[]
}

/** Looks at this machine and, with `fix`, repairs what is safe and looks again. */
export async function doctor(fix: boolean, context: Context): Promise<DoctorJson> {
  const facts = await look(context)
  const findings = diagnose(facts, context.now())
  const wanted = new Set(fix ? findings.flatMap((one) => one.fix ?? []) : [])
  const repairs: Repair[] = []
  for (const name of wanted) {
    const { what, run } = FIXES[name]
    const error = await run(facts, context).then(() => null, asText)
    repairs.push({ name, what, done: error === null, error })
  }
  const after = repairs.length === 0 ? findings : diagnose(await look(context), context.now())
  return { schema: 1, ok: !after.some((one) => one.level === 'problem'), findings: after, repairs }
}

const asText = (error: unknown) => (error instanceof Error ? error.message : String(error))
