import type { AttemptEnd } from './driver.ts'
import { resetTime } from './reset-time.ts'

// What providers say of limits, and agents after them: all four hand on the provider's words, and any of them may be used with
// any provider. "source" is the program's own, "issue" a report by its users.

/**
 * Too much to do for everybody, which no plan heals: Anthropic's 529, "Selected model is at capacity" and "high demand" (codex,
 * source: protocol/src/error.rs), "Server is temporarily limiting requests (not your usage limit)" (Claude Code 2.1), also where
 * it comes with status 429 (Z.ai).
 */
export const OVERLOADED = /\b529\b|overloaded|\bat capacity|high demand|not your usage limit/i

/**
 * What was paid for is used up, and more comes for money: "insufficient_quota", "You exceeded your current quota, please check your
 * plan and billing details." (OpenAI), "Your credit balance is too low" (Anthropic), "Insufficient Balance" (DeepSeek),
 * "Insufficient credits", "This request requires more credits" (OpenRouter), "Your workspace is out of credits", "You hit your
 * spend cap", "To use Codex with your ChatGPT plan, upgrade to Plus" (codex, source: protocol/src/error.rs).
 */
const SPENT =
  /insufficient[ _](?:quota|funds|balance|credits?)|credit balance|exceeded your current quota|plan and billing|out of credits?|requires (?:more|usage) credits|spend(?:ing)? (?:cap|limit)|your ChatGPT plan, upgrade|payment required|^402\b|\(HTTP 402\)|out of budget/i

/**
 * "You've hit your usage limit" (codex), "You've hit your session limit", "5-hour limit reached", "You're out of extra usage"
 * (Claude Code 2.1), "Free usage exceeded", "GoUsageLimitError" (opencode 1.18.31, issue #50093), "You have hit your ChatGPT usage
 * limit" (pi), "Weekly/Monthly Limit Exhausted" (Z.ai), "exhausted your capacity", RESOURCE_EXHAUSTED (Google), "Too many tokens,
 * please wait" (Bedrock); plain rate limits too. A full disk and a full context are none.
 */
const REACHED =
  /usage.?limit|hit your [^.]*limit|(?<!context )limit (?:reached|exhausted)|out of (?:extra )?usage|usage exceeded|(?<!disk )quota|(?<![a-z])rate.?limit|too many (?:requests|tokens)|exhausted your|resource.?exhausted|request allowance/i

/** Any of them that waiting or money helps against. */
export const USAGE_LIMIT = new RegExp(`${SPENT.source}|${REACHED.source}`, 'i')

const WAIT = 'wait for the reset or raise the limit of the account, then `rca resume`'
const ADD_CREDIT = 'add credit or raise the limit of the account, then `rca resume`'

/**
 * What a usage limit adds to a verdict. `words` are the agent's, whole; `exact` is what it told besides, which counts for more
 * than local time in words.
 */
export function limitFacts(
  words: string,
  { endedMs }: Pick<AttemptEnd, 'endedMs'>,
  exact = '',
): { readonly hint: string; readonly resetsAt: string | null } {
  const resetsAt = resetTime(exact, endedMs) ?? resetTime(words, endedMs)
  return { hint: resetsAt === null && SPENT.test(words) ? ADD_CREDIT : WAIT, resetsAt }
}
