// Loaded into a service that a test starts: when the test runner is gone, however it went, its end of this pipe closes.
process.stdin.once('end', () => process.exit(1)).once('error', () => process.exit(1))
process.stdin.resume()
// The service has its own reasons to stay alive.
process.stdin.unref?.()
