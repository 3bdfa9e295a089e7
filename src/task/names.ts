import { AGENTS, type AgentName } from '../agents/driver.ts'
import { RcaError } from '../errors.ts'

/** The longest task name: the session name and mkdtemp's suffix still fit a file name, and a table. */
export const MAX_TASK_NAME = 100

/** Throws a usage error unless `name` is a task name. */
export function checkTaskName(name: string): string {
  const what = JSON.stringify(name)
  if (name === '')
    throw new RcaError('usage', 'The task name is empty', 'Use lower-case letters, digits and hyphens.')
  if (!/^[a-z0-9-]+$/.test(name)) {
    const suggestion = suggest(name)
    throw new RcaError(
      'usage',
      `Bad task name ${what}: use lower-case letters, digits and hyphens only`,
      suggestion && `For example: ${suggestion}`,
    )
  }
  if (name.startsWith('-'))
    throw new RcaError('usage', `Bad task name ${what}: it must not begin with a hyphen`)
  if (name.length > MAX_TASK_NAME) {
    throw new RcaError('usage', `The task name is ${name.length} characters long; at most ${MAX_TASK_NAME}`)
  }
  return name
}

function suggest(name: string): string | null {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, MAX_TASK_NAME)
  return slug === '' ? null : slug
}

/** Throws a usage error unless `name` is one of the four agents. */
export function checkAgent(name: string): AgentName {
  const agent = AGENTS.find((one) => one === name)
  if (agent) return agent
  throw new RcaError('usage', `Unknown agent ${JSON.stringify(name)}`, `Agents: ${AGENTS.join(', ')}.`)
}

export function sessionName(agent: AgentName, task: string): string {
  return `${agent}-${task}`
}

/** Splits `codex-refactor-auth`; null where it is not of that form. */
export function parseSession(session: string): { agent: AgentName; task: string } | null {
  const agent = AGENTS.find((one) => session.startsWith(`${one}-`))
  const task = agent && session.slice(agent.length + 1)
  return agent && task && /^[a-z0-9-]+$/.test(task) ? { agent, task } : null
}
