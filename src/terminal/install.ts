import { which } from '../system/which.ts'

const MANAGERS = ['apt-get', 'dnf', 'pacman', 'apk', 'zypper', 'brew', 'pkg']
const HOMES = {
  tmux: 'https://github.com/tmux/tmux/wiki/Installing',
  screen: 'https://www.gnu.org/software/screen/',
} as const

/** How this program is installed here. */
export function installHint(program: keyof typeof HOMES): string {
  const present = MANAGERS.filter((one) => which(one, process.env.PATH ?? '', '/') !== null)
  return `Install it: ${installCommand(program, process.platform, present)}`
}

/** The command that installs it with the package manager that is here. Pure. */
export function installCommand(
  program: keyof typeof HOMES,
  platform: string,
  present: readonly string[],
): string {
  const commands: Record<string, string> = {
    'apt-get': `sudo apt-get install ${program}`,
    dnf: `sudo dnf install ${program}`,
    pacman: `sudo pacman -S ${program}`,
    apk: `sudo apk add ${program}`,
    zypper: `sudo zypper install ${program}`,
    brew: `brew install ${program}`,
    pkg: `sudo pkg install ${program}`,
  }
  const fallback = platform === 'darwin' ? `brew install ${program}` : `see ${HOMES[program]}`
  return commands[present[0] ?? ''] ?? fallback
}
