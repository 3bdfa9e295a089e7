// @ts-check
/**
 * Pure: CPU profiles -> one tree of what took how long.
 *
 * @typedef {{ functionName: string, url: string, lineNumber: number }} Frame
 * @typedef {{ id: number, callFrame: Frame, children?: number[] }} ProfileNode
 * @typedef {{ nodes: ProfileNode[], samples: number[], timeDeltas: number[], startTime: number, endTime: number }} Profile
 *
 * @typedef {'node' | 'rca' | 'package' | 'other'} Kind
 * @typedef {{ name: string, kind: Kind, ms: number, at: number, children: Tree[] }} Tree   `at`: in which order they came.
 */

const NODE_START = "Node's own start"
const REST = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'waiting',
  '(program)': 'V8 and system calls',
}

/**
 * @param {readonly Profile[]} profiles
 * @param {string} rootName
 * @returns {Tree}   ms of one run, on average.
 */
export function treeOf(profiles, rootName) {
  const root = leaf(rootName, 'other', 0)
  for (const profile of profiles) add(root, profile, 1 / (1000 * profiles.length))
  return root
}

/**
 * Waiting for others takes no work, and would leave no room for what does.
 * @param {Tree} tree
 * @returns {Tree}
 */
export function withoutWaiting(tree) {
  const waiting = tree.children.find(({ name }) => name === REST['(idle)'])
  if (!waiting || waiting.ms < 1) return tree
  const children = tree.children.filter((child) => child !== waiting)
  const name = `${tree.name}, without ${waiting.ms.toFixed(1)} ms in which it waits:`
  return { ...tree, name, ms: tree.ms - waiting.ms, children }
}

/**
 * @param {Tree} root
 * @param {Profile} profile
 * @param {number} scale
 */
function add(root, profile, scale) {
  const stacks = stacksOf(profile)
  let begun = false
  for (const [n, id] of profile.samples.entries()) {
    const stack = stacks.get(id) ?? []
    begun ||= stack.some(isOurs)
    const path = begun ? pathOf(stack) : [{ name: NODE_START, kind: /** @type {Kind} */ ('node') }]
    const ms = Math.max(0, profile.timeDeltas[n + 1] ?? 0) * scale
    let tree = root
    tree.ms += ms
    for (const { name, kind } of path) {
      tree = childOf(tree, name, kind, n)
      tree.ms += ms
    }
  }
}

/**
 * @param {Profile} profile
 * @returns {Map<number, Frame[]>}   The outermost first.
 */
function stacksOf({ nodes }) {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  /** @type {Map<number, Frame[]>} */
  const stacks = new Map()
  /** @type {[number, Frame[]][]} */
  const open = [[nodes[0]?.id ?? 0, []]]
  for (let next = open.pop(); next; next = open.pop()) {
    const [id, above] = next
    const node = byId.get(id)
    if (!node) continue
    const stack = node.callFrame.functionName === '(root)' ? above : [...above, node.callFrame]
    stacks.set(id, stack)
    for (const child of node.children ?? []) open.push([child, stack])
  }
  return stacks
}

/** @param {Frame} frame */
const isOurs = ({ url }) => /\/(dist|bin)\/[^/]+\.c?js$/.test(url)

/**
 * Our own functions, and below the last of them what of Node's they called.
 * @param {readonly Frame[]} stack
 */
function pathOf(stack) {
  const first = stack.findIndex(isOurs)
  if (first === -1) return [{ name: nameOutside(stack), kind: /** @type {Kind} */ ('other') }]
  const path = []
  for (const [n, frame] of stack.entries()) {
    if (n < first) continue
    if (isOurs(frame)) path.push({ name: nameOf(frame), kind: kindOf(frame) })
    else if (isOurs(stack[n - 1] ?? frame))
      path.push({ name: builtin(frame), kind: /** @type {Kind} */ ('node') })
  }
  return path.filter(({ name }) => name !== '')
}

/** @param {readonly Frame[]} stack */
function nameOutside(stack) {
  const name = /** @type {keyof typeof REST} */ (stack.at(-1)?.functionName ?? '')
  return REST[name] ?? "Node's own work between"
}

/** Modules are named by their files, and files from the repository on. @param {Frame} frame */
function nameOf({ functionName, url }) {
  const file = /(?:src|node_modules)\/.*$/.exec(functionName)?.[0]
  if (file) return file.replace(/^src\//, '').replace(/^node_modules\//, '')
  return functionName === '' && url.includes('/bin/') ? 'bin/rca.js' : functionName
}

/** @param {Frame} frame @returns {Kind} */
const kindOf = ({ functionName }) => (/node_modules/.test(functionName) ? 'package' : 'rca')

/** @param {Frame} frame */
function builtin({ functionName, url }) {
  const module = url.replace(/^node:/, '').replace(/^internal\//, '')
  return [functionName || 'load', module].filter(Boolean).join(' · ')
}

/** @param {string} name @param {Kind} kind @param {number} at @returns {Tree} */
const leaf = (name, kind, at) => ({ name, kind, ms: 0, at, children: [] })

/**
 * @param {Tree} tree
 * @param {string} name
 * @param {Kind} kind
 * @param {number} at
 */
function childOf(tree, name, kind, at) {
  const found = tree.children.find((child) => child.name === name)
  if (found) return found
  const made = leaf(name, kind, at)
  tree.children.push(made)
  return made
}
