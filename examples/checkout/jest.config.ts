/** @jest-config-loader esbuild-register */
import type { Config } from 'jest'

const config: Config = {
  rootDir: __dirname,
  testMatch: ['<rootDir>/test/unit/**/*.test.ts', '<rootDir>/test/integration/**/*.test.ts'],
  testEnvironment: 'meshwright/jest-environment',
  // The service is written in ES modules (.mjs); a unit test takes them in as CommonJS.
  transform: {
    '^.+\\.m?[jt]s$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  moduleFileExtensions: ['ts', 'mjs', 'js', 'cjs', 'json'],
  maxWorkers: 2,
  testTimeout: 30_000,
}

export default config
