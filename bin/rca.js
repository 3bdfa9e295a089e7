#!/usr/bin/env node
import * as module from 'node:module'

// Node >= 22.8 keeps the compiled code for the next start.
if ('enableCompileCache' in module) module.enableCompileCache()
const { main } = await import('../dist/index.js')
await main(process.argv.slice(2))
