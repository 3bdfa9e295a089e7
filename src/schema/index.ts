import { specSchema } from '../task/schema.ts'
import * as z from '../zod.ts'
import * as outputs from './outputs.ts'

interface Named {
  readonly schema: z.core.$ZodType
  readonly about: string
  /** The command lines that print it. */
  readonly by: readonly string[]
}

/** Every document that rca prints for programs, and those of its records that others may read. */
export const DOCUMENTS = {
  task: { schema: outputs.task, about: 'One task.', by: ['start', 'resume', 'exec'] },
  tasks: { schema: outputs.tasks, about: 'Tasks.', by: ['list', 'wait', 'kill'] },
  gone: {
    schema: outputs.gone,
    about: 'One line: a task that is in the list no more. The others are tasks.',
    by: ['list --watch'],
  },
  status: { schema: outputs.status, about: 'Everything that is known of a task.', by: ['status'] },
  result: { schema: outputs.result, about: 'What came of a task that has ended.', by: ['result'] },
  sent: { schema: outputs.send, about: 'What became of a follow-up.', by: ['send'] },
  event: { schema: outputs.event, about: 'One line: something that happened to a task.', by: ['events'] },
  'log-event': {
    schema: outputs.logEvent,
    about: 'One line: something that an agent said or did.',
    by: ['logs'],
  },
  removed: { schema: outputs.removed, about: 'Tasks whose records were removed.', by: ['rm'] },
  pruned: { schema: outputs.prune, about: 'What was removed, and what was left.', by: ['prune'] },
  plan: { schema: outputs.dryRun, about: 'What a start would do.', by: ['start --dry-run'] },
  monitor: { schema: outputs.monitor, about: 'The monitor.', by: ['monitor'] },
  service: { schema: outputs.service, about: 'The monitor as a service.', by: ['service'] },
  'service-plan': {
    schema: outputs.servicePlan,
    about: 'What a change of the service would do.',
    by: ['service --dry-run'],
  },
  skill: { schema: outputs.skill, about: 'The skill that teaches rca.', by: ['skill show', 'skill path'] },
  'skill-installed': { schema: outputs.skillInstalled, about: 'Where the skill was put.', by: ['skill'] },
  explanation: {
    schema: outputs.explanation,
    about: 'What would be done with a command, and why.',
    by: ['exec --explain'],
  },
  channels: {
    schema: outputs.channels,
    about: 'The channels of config.json.',
    by: ['notify', 'notify list'],
  },
  'notify-test': { schema: outputs.notifyTest, about: 'What became of a test notice.', by: ['notify test'] },
  notice: { schema: outputs.notice, about: 'What a command or a webhook is told.', by: [] },
  doctor: { schema: outputs.doctor, about: 'What is missing, broken or left behind.', by: ['doctor'] },
  error: {
    schema: outputs.error,
    about: 'The line on standard error of a verb that did not end well.',
    by: [],
  },
  spec: { schema: specSchema, about: 'spec.json in a task directory: what was asked.', by: [] },
  'journal-entry': {
    schema: outputs.journalEntry,
    about: 'One line of journal.jsonl in a task directory.',
    by: [],
  },
} as const satisfies Readonly<Record<string, Named>>

/** The JSON Schema (draft 2020-12) of a document. What a newer release adds to it is valid, too. Pure. */
export function jsonSchema(name: keyof typeof DOCUMENTS): Readonly<Record<string, unknown>> {
  const { schema, about } = DOCUMENTS[name]
  // As input: of an object that is printed nothing is said of further fields.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return { $schema, title: name, description: about, ...rest }
}

/** The name of a document, or of the verb that prints it; null: there is none. Pure. */
export function documentNamed(word: string): keyof typeof DOCUMENTS | null {
  if (Object.hasOwn(DOCUMENTS, word)) return word as keyof typeof DOCUMENTS
  const found = Object.entries(DOCUMENTS).find(([, one]) => (one.by as readonly string[]).includes(word))
  return found ? (found[0] as keyof typeof DOCUMENTS) : null
}
