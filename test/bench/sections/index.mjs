// @ts-check
import { cli } from './cli.mjs'
import { disk } from './disk.mjs'
import { end } from './end.mjs'
import { flood } from './flood.mjs'
import { logs } from './logs.mjs'
import { monitor } from './monitor.mjs'
import { recovery } from './recovery.mjs'
import { start } from './start.mjs'

/** @type {readonly import('./section.mjs').Section[]} */
export const SECTIONS = [cli, start, recovery, end, logs, monitor, flood, disk]
