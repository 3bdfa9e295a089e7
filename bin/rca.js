#!/usr/bin/env node
// CommonJS (see package.json beside it), which Node starts faster.
require('../dist/index.cjs').main(process.argv.slice(2))
