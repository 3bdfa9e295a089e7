import type { Verb } from '../cli.ts'
import { attach } from './attach.ts'
import { complete, completion } from './completion.ts'
import { deliver } from './deliver.ts'
import { doctor } from './doctor.ts'
import { events } from './events.ts'
import { exec } from './exec.ts'
import { kill } from './kill.ts'
import { list } from './list.ts'
import { logs } from './logs.ts'
import { man } from './man.ts'
import { monitor } from './monitor.ts'
import { notify } from './notify.ts'
import { prune } from './prune.ts'
import { result } from './result.ts'
import { resume } from './resume.ts'
import { rm } from './rm.ts'
import { schema } from './schema.ts'
import { send } from './send.ts'
import { service } from './service.ts'
import { settle } from './settle.ts'
import { skill } from './skill.ts'
import { start } from './start.ts'
import { status } from './status.ts'
import { wait } from './wait.ts'

/** What each verb does, by its name: options from commander -> typed options -> a command; its result -> text or JSON. */
export const VERBS: Record<string, Verb> = {
  monitor,
  notify,
  start,
  list,
  status,
  logs,
  events,
  wait,
  attach,
  exec,
  resume,
  send,
  result,
  rm,
  prune,
  schema,
  kill,
  service,
  doctor,
  skill,
  completion,
  complete,
  man,
  settle,
  deliver,
}
