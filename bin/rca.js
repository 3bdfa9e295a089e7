#!/usr/bin/env node
// CommonJS (see package.json beside it), which Node starts faster. Node >= 22.8 keeps the compiled code for the next start.
const { enableCompileCache } = require('node:module')
enableCompileCache?.()
require('../dist/index.cjs').main(process.argv.slice(2))
