import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The variable that names the folder of pause points. It is set by tests alone. */
const FOLDER = 'RCA_TEST_PAUSE'

/**
 * A point at which a test can hold this process, to stage what would otherwise be a race, or to kill it right there. It does
 * nothing unless the folder that RCA_TEST_PAUSE names holds a file `<name>.hold`: then the process says that it has come
 * here (`<name>.at.<pid>`) and sleeps, all of it, until that file is gone.
 */
export function pausePoint(name: string): void {
  const folder = process.env[FOLDER]
  if (folder) hold(folder, name)
}

function hold(folder: string, name: string): void {
  const wanted = join(folder, `${name}.hold`)
  if (!existsSync(wanted)) return
  const here = join(folder, `${name}.at.${process.pid}`)
  writeFileSync(here, '')
  const cell = new Int32Array(new SharedArrayBuffer(4))
  while (existsSync(wanted)) Atomics.wait(cell, 0, 0, 5)
  rmSync(here, { force: true })
}
