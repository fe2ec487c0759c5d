// What `benches/redact.rs` measures, done by the package fast-redact of npm: JSON from text to text, in
// time of the processor.
//
// cargo bench -p mt-paas-core --bench redact -- 9 document.json
// npm pack fast-redact && tar xzf fast-redact-*.tgz
// node mt-paas-core/benches/redact_peer.mjs document.json ./package/index.js

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const [document, peer, rounds = '9'] = process.argv.slice(2)
const fastRedact = createRequire(import.meta.url)(resolve(peer))
const redact = fastRedact({ paths: ['records[*].api_key'], censor: '[redacted]' })
const text = readFileSync(document, 'utf8')
const bytes = Buffer.byteLength(text)

const ways = {
  'JSON.parse and JSON.stringify alone': () => JSON.stringify(JSON.parse(text)),
  'fast-redact, one path that is told': () => redact(JSON.parse(text)),
}
const shown = ways['fast-redact, one path that is told']()
if (shown.includes('key-of-') || !shown.includes('"api_key":"[redacted]"')) throw new Error('a key is not hidden')

const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
for (let round = 0; round <= Number(rounds); round++) {
  for (const [name, work] of Object.entries(ways)) {
    const began = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(began)
    if (round > 0) times[name].push((user + system) / 1e3)
  }
}
for (const [name, all] of Object.entries(times)) {
  const median = all.sort((a, b) => a - b)[all.length >> 1]
  console.log(`  ${name.padEnd(36)} ${median.toFixed(2)} ms ${(bytes / median / 1e3).toFixed(0)} MB/s`)
}
