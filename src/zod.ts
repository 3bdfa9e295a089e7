import { config } from 'zod/mini'

/** What we use of zod, and nothing else of it: the build leaves out the rest. */
export {
  array,
  boolean,
  type core,
  discriminatedUnion,
  enum,
  exactOptional,
  extend,
  type infer,
  int,
  literal,
  looseObject,
  maximum,
  minimum,
  NEVER,
  nullable,
  number,
  object,
  optional,
  type output,
  partialRecord,
  pipe,
  record,
  refine,
  strictObject,
  string,
  toJSONSchema,
  transform,
  union,
  unknown,
  type ZodMiniObject,
  type ZodMiniType,
} from 'zod/mini'

// A process parses a few records and ends: code that is made for each schema first takes longer than it saves.
config({ jitless: true })
