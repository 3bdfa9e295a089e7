import { createRequire } from 'node:module'

const load = createRequire('/')

/** Node's own modules that many verbs do without, loaded when they are first used: each costs a start 1 to 3 ms. */
export const childProcess = () => load('node:child_process') as typeof import('node:child_process')
export const crypto = () => load('node:crypto') as typeof import('node:crypto')
export const http = () => load('node:http') as typeof import('node:http')
export const https = () => load('node:https') as typeof import('node:https')
export const tty = () => load('node:tty') as typeof import('node:tty')
