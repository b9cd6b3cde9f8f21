import eslint from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TYPESCRIPT = ['**/*.ts'];

const doubleCast = {
  selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
  message: 'A cast through unknown hides a wrong type: narrow the value instead.',
};
const environment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Only the configuration reads the environment: take an option instead.',
};
const wallClock = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'Take a Clock, so that tests can move time.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock, so that tests can move time.' },
];
const moduleMock = {
  selector: "CallExpression[callee.object.name='jest'][callee.property.name=/^(mock|doMock|unstable_mockModule)$/]",
  message: 'Pass a fake through the constructor instead of replacing a module.',
};
const needsCompiler = [
  { selector: 'TSEnumDeclaration', message: 'Node runs this folder by stripping types: no enums.' },
  { selector: 'TSParameterProperty', message: 'Node runs this folder by stripping types: no parameter properties.' },
  { selector: 'Decorator', message: 'Node runs this folder by stripping types: no decorators.' },
];

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '.cache/', 'node_modules/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', doubleCast],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': 'off', // a union of `{ kind }` values is a type, a port is an interface: both are right in their place
      '@typescript-eslint/consistent-indexed-object-style': 'off', // JSON types that contain themselves cannot be a Record
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['src/**/*.ts'], rules: { 'no-restricted-syntax': ['error', doubleCast, environment, ...wallClock] } },
  { files: ['src/main.ts', 'src/cli.ts', 'src/config/**/*.ts'], rules: { 'no-restricted-syntax': ['error', doubleCast, ...wallClock] } },
  { files: ['src/kernel/clock.ts'], rules: { 'no-restricted-syntax': ['error', doubleCast, environment] } },
  {
    files: ['demo/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: { 'no-console': 'off', 'no-restricted-syntax': ['error', doubleCast, ...needsCompiler] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', doubleCast, moduleMock],
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off', // fakes of asynchronous ports have nothing to wait for
      '@typescript-eslint/unbound-method': 'off', // expect(fake.method) never calls it
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] },
  },
  {
    // scripts of pages run in a browser
    files: ['demo/**/*.js', 'src/**/*.js'],
    languageOptions: {
      sourceType: 'module',
      globals: Object.fromEntries(
        [
          'window',
          'document',
          'location',
          'history',
          'navigator',
          'fetch',
          'setTimeout',
          'setInterval',
          'clearTimeout',
          'clearInterval',
          'requestAnimationFrame',
          'localStorage',
          'sessionStorage',
          'indexedDB',
          'caches',
          'cookieStore',
          'EventSource',
          'WebSocket',
          'performance',
          'URLSearchParams',
          'FormData',
          'Response',
          'Request',
          'Headers',
          'AbortController',
          'AbortSignal',
          'globalThis',
          'HTMLElement',
          'Event',
          'CustomEvent',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  prettier,
);
