import type { AgentName } from '../agents/driver.ts'
import type { Login } from '../agents/login.ts'
import type { ServiceJson } from '../commands/service.ts'
import type { Monitor } from '../supervise/presence.ts'
import type { LeftLocks } from '../task/lock.ts'

/** Everything that the doctor's findings rest on: what `look` has seen, and `diagnose` judges. */
export interface DoctorFacts {
  readonly version: string
  readonly node: string
  readonly platform: string
  readonly tmux: ProgramFact & { readonly tooOld: boolean }
  readonly screen: ProgramFact
  readonly agents: readonly AgentFact[]
  readonly state: FolderFact
  readonly config: ConfigFact
  readonly disk: DiskFact | null
  readonly service: ServiceFact
  /** Why agents might end with whoever starts them here; null: they do not. */
  readonly scopeWarning: string | null
  readonly monitor: {
    readonly running: Monitor | null
    /** The announcement names a process that is gone: it was killed. */
    readonly left: boolean
  }
  readonly tasks: readonly TaskFact[]
  /** Directories that have been on their way to become a task for longer than that takes. */
  readonly halfMade: readonly string[]
  readonly locks: readonly LeftLocks[]
  readonly strays: readonly Stray[]
  readonly sockets: readonly SocketFact[]
  /** What could not be looked at, and why. */
  readonly unseen: readonly { readonly check: string; readonly error: string }[]
}

export interface ProgramFact {
  /** Null: it is not on PATH. */
  readonly path: string | null
  /** As it says itself; null: it says nothing. */
  readonly version: string | null
}

export interface AgentFact extends ProgramFact {
  readonly name: AgentName
  /** Null: it is not installed. */
  readonly login: Login | null
  /** The command that installs it. */
  readonly install: string
}

export interface FolderFact {
  readonly path: string
  /** `other`: open, and it has never held a task, but other things. */
  readonly kind: 'missing' | 'ok' | 'no-folder' | 'foreign' | 'open' | 'other' | 'read-only'
  /** Octal, where it is there. */
  readonly mode: string | null
  /** A reboot empties it. */
  readonly temporary: boolean
}

export interface ConfigFact {
  readonly path: string | null
  readonly exists: boolean
  readonly error: { readonly message: string; readonly hint: string | null } | null
  /** It is this user's, and others may write to it. */
  readonly open: boolean
}

/** Of the file system that the state directory is or would be on; null in a field: it does not say. */
export interface DiskFact {
  readonly freeBytes: number
  readonly freeFiles: number | null
}

export interface ServiceFact {
  readonly seen: ServiceJson | null
  /** Another rca, or this one in another environment, has installed it. */
  readonly outdated: boolean
  /** It could not be looked at. */
  readonly error: string | null
}

export interface TaskFact {
  readonly session: string
  readonly dir: string
  readonly state: string
  /** Somebody is to go on with it where it breaks off. */
  readonly supervised: boolean
  /** What of its records cannot be read. */
  readonly problems: readonly string[]
  /** Others may look into its directory. */
  readonly open: boolean
}

/** A process with an agent's mark whose attempt is over, and did not end well. */
export interface Stray {
  readonly session: string
  /** Null: the task's directory is gone. */
  readonly dir: string | null
  readonly pid: number
  readonly command: string
}

/** A tmux server's socket on which live tasks are. */
export interface SocketFact {
  readonly path: string
  readonly sessions: readonly string[]
  readonly dirs: readonly string[]
  readonly exists: boolean
}
