// @ts-check

/**
 * @typedef {import('./soak-agent.mjs').Soaked} Soaked
 * @typedef {import('./soak-agent.mjs').Injected} Injected
 */

/** A Markdown table: per agent, and over all agents per kind of fault. Pure. @param {readonly Soaked[]} soaked */
export function renderSoak(soaked) {
  const all = soaked.flatMap(({ injected }) => injected)
  const kinds = [...new Set(all.map((one) => one.kind))].sort()
  const perKind = kinds.map((kind) =>
    row(
      kind,
      all.filter((one) => one.kind === kind),
    ),
  )
  const perAgent = soaked.map(({ agent, injected, tasks, steps, repeated, forgotten }) => {
    return [...row(agent, injected), String(tasks), String(steps), String(repeated), String(forgotten)]
  })
  const head = ['faults', 'recovered', 'median ms', 'p99 ms', 'longest ms']
  return [
    table([['agent', ...head, 'tasks', 'steps', 'cut steps repeated', 'just ended ones'], ...perAgent]),
    table([['fault', ...head], ...perKind, row('all', all)]),
  ].join('\n')
}

/** @param {string} name @param {readonly Injected[]} injected */
function row(name, injected) {
  const took = injected.flatMap((one) => one.ms ?? []).sort((a, b) => a - b)
  const healed = injected.filter((one) => one.healed).length
  const times = [0.5, 0.99, 1].map((part) => quantile(took, part))
  return [name, String(injected.length), String(healed), ...times]
}

/** @param {readonly number[]} sorted @param {number} part */
function quantile(sorted, part) {
  return String(sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? '-')
}

/** @param {readonly string[][]} rows */
function table(rows) {
  const [head = [], ...rest] = rows
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [head, rule, ...rest].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
