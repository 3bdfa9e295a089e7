import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Says who it is and stays, as an agent at work does. */
const FAKE_CODEX = `#!/bin/sh
echo $$ > "$(dirname "$(dirname "$0")")/agent.pid"
echo '{"type":"thread.started","thread_id":"01a1fb42-a672-7a13-a407-b43717574990"}'
exec sleep 600
`

/** Puts it into `dir/bin`; it writes its pid to `dir/agent.pid`. */
export function fakeCodex(dir: string): void {
  mkdirSync(join(dir, 'bin'))
  writeFileSync(join(dir, 'bin', 'codex'), FAKE_CODEX, { mode: 0o755 })
}
