/** A reporter for `node --test` that writes what suite.mjs reads: `{ passed, failed, skipped }`. */
export default async function* counts(events) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.skip !== undefined || data.todo !== undefined) total.skipped++
    else if (type === 'test:fail') total.failed++
    // Files and `describe` are reported as well; what they hold was counted already.
    else if (data.details.type !== 'suite' && !isFile(data)) total.passed++
  }
  yield JSON.stringify(total)
}

const isFile = ({ name, file, nesting }) => nesting === 0 && file !== undefined && file.endsWith(name)
