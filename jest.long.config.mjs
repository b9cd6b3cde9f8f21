import quick from './jest.config.mjs';

/** What needs minutes or millions of cases. @type {import('jest').Config} */
export default {
  ...quick,
  testMatch: ['<rootDir>/test/**/*.long.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 900_000,
};
