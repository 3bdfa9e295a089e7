import { readOwn } from '../system/durable.ts'
import { files } from '../task/paths.ts'
import type { Owner } from './terminal.ts'

/** What the task's launch scripts have printed, or its last so many lines. */
export function loggedText({ dir }: Owner, lines: number | null): string {
  const text = (readOwn(files.terminalLog(dir)) ?? '').replaceAll('\r\n', '\n')
  return lines === null ? text : text.trimEnd().split('\n').slice(-lines).join('\n')
}
