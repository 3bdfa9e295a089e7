import { expect, it } from 'vitest'
import type { AgentEvent } from '../agents/event.ts'
import type { DoctorJson } from '../commands/doctor.ts'
import type { DryRun } from '../commands/dry-run.ts'
import type { Explanation } from '../commands/exec-explain.ts'
import type { ChannelJson, NotifyTestJson } from '../commands/notify.ts'
import type { PruneResult, Removed } from '../commands/remove.ts'
import type { ResultJson } from '../commands/result.ts'
import type { SendResult } from '../commands/send.ts'
import type { ServiceChange, ServiceJson, ServicePlan } from '../commands/service.ts'
import type { SkillInstalled } from '../commands/skill.ts'
import type { StatusJson } from '../commands/status.ts'
import type { GoneJson } from '../commands/watch-list.ts'
import type { Dropped } from '../logs/items.ts'
import type { Notice } from '../notify/notice.ts'
import type { Monitor } from '../supervise/presence.ts'
import type { TaskJson } from '../task/json.ts'
import type * as z from '../zod.ts'
import { DOCUMENTS, documentNamed, jsonSchema } from './index.ts'

/** What the schemas promise and what the code prints, as types: the compiler holds them against each other. */
type Promised<Name extends keyof typeof DOCUMENTS> = z.infer<(typeof DOCUMENTS)[Name]['schema']>

type Fixed<T> = T extends readonly (infer Item)[]
  ? readonly Fixed<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Fixed<Exclude<T[Key], undefined>> }
    : T
/** Never, where one has what the other has not: a field, a value, or null. */
type Same<A, B> = Equal<Fixed<A>, Fixed<B>>
type Equal<A, B> = [A] extends [B]
  ? [B] extends [A]
    ? keyof A extends keyof B
      ? true
      : never
    : never
  : never

const same: readonly true[] = [
  true satisfies Same<Promised<'task'>, TaskJson>,
  true satisfies Same<Promised<'tasks'>, readonly TaskJson[]>,
  true satisfies Same<Promised<'gone'>, GoneJson>,
  true satisfies Same<Promised<'status'>, StatusJson>,
  true satisfies Same<Promised<'result'>, ResultJson>,
  true satisfies Same<Promised<'sent'>, SendResult>,
  true satisfies Same<Promised<'removed'>, readonly Removed[]>,
  true satisfies Same<Promised<'pruned'>, PruneResult>,
  true satisfies Same<Promised<'plan'>, DryRun>,
  true satisfies Same<Promised<'monitor'>['monitor'], Monitor | null>,
  true satisfies Same<Promised<'service'>, ServiceJson & Partial<ServiceChange>>,
  true satisfies Same<Promised<'service-plan'>, ServicePlan>,
  true satisfies Same<Promised<'skill-installed'>, readonly SkillInstalled[]>,
  true satisfies Same<Promised<'channels'>, readonly ChannelJson[]>,
  true satisfies Same<Promised<'notify-test'>, NotifyTestJson>,
  true satisfies Same<Promised<'notice'>, Notice>,
  true satisfies Same<Promised<'doctor'>, DoctorJson>,
  true satisfies Same<Promised<'explanation'>, Explanation>,
  true satisfies Same<Promised<'log-event'>, ({ readonly attempt: number } & AgentEvent) | Dropped>,
]

it('promises what the code prints', () => {
  expect(same.every(Boolean)).toBe(true)
})

it.each(Object.keys(DOCUMENTS) as (keyof typeof DOCUMENTS)[])(
  '%s is as it was: fields are only ever added',
  async (name) => {
    await expect(`${JSON.stringify(jsonSchema(name), null, 2)}\n`).toMatchFileSnapshot(
      `../../test/fixtures/schemas/${name}.json`,
    )
  },
)

it('is found by its own name and by the verb that prints it', () => {
  expect(documentNamed('send')).toBe('sent')
  expect(documentNamed('list')).toBe('tasks')
  expect(documentNamed('status')).toBe('status')
  expect(documentNamed('toString')).toBeNull()
})
