/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'

// The tests import 'meshwright' and 'meshwright/jest' by name, through the exports map, as a consumer does: dist has to
// be built before (`npm test` does).
const config: Config = {
  rootDir: '.',
  testMatch: [
    '<rootDir>/test/jest/**/*.test.ts',
    ...(process.env.MESHWRIGHT_SLOW ? ['<rootDir>/test/slow/jest/**/*.test.ts'] : []),
  ],
  testEnvironment: '<rootDir>/dist/cjs/fixtures/jest-environment.js',
  transform: {
    '^.+\\.[mc]?tsx?$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  // Test files carry the extensions of their TypeScript sources; swc leaves them as they are and Jest resolves them.
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json'],
  modulePathIgnorePatterns: ['<rootDir>/node_modules/.cache/', '<rootDir>/.scratch/'],
  maxWorkers: 2,
  testTimeout: 20_000,
}

export default config
