/**
 * What a linter can hold of Lockstep's promises: the walls between the folders, one place that talks to the terminal,
 * and nothing that could differ between two hosts where weights are made. test/lint/ shows that each rule bites.
 */

import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { walls } from './scripts/lint/walls.js';

/** ECMAScript leaves the last bits of these to the host; see src/foundation/deterministicMath.ts. */
const HOST_DEFINED_MATH = [
  ...['log', 'log2', 'log10', 'log1p', 'exp', 'expm1', 'pow', 'cbrt', 'hypot'],
  ...['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'atan2'],
  ...['sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh'],
];

const NO_RANDOM = {
  object: 'Math',
  property: 'random',
  message: 'Draw from foundation/random.ts: every random decision is a function of the seed.',
};

const NO_HOST_DEFINED_MATH = HOST_DEFINED_MATH.map((property) => ({
  object: 'Math',
  property,
  message: 'Its last bits differ between hosts: use foundation/deterministicMath.ts or exact operations.',
}));

const NO_TERMINAL = ['argv', 'env', 'stdin', 'stdout', 'stderr', 'exit', 'exitCode'].map((property) => ({
  object: 'process',
  property,
  message: 'Only cli/ reads arguments and environment, writes to the terminal and decides the exit code.',
}));

const WRITES_PAST_THE_DOOR = {
  selector: "CallExpression[callee.property.name='write'][callee.object.property.name=/^std(out|err)$/]",
  message: 'Print by cli/process/terminal.ts: text of files and peers must not steer the terminal.',
};

export default defineConfig(
  globalIgnores([
    'dist/',
    '.dist-*/',
    'docs/api/',
    'runs/',
    'records/',
    'coverage/',
    'data/',
    '.venv*/',
    '.tensorflow*/',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // With noUncheckedIndexedAccess an index known to be in range needs the assertion: in loops over typed arrays
      // the alternative is a branch for each element.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Numbers and booleans in messages read well; objects do not.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `return this.complain(…)`: leaves early and says why in one line.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Index signatures are read as `record['key']` so that a reader sees that the key may be missing.
      '@typescript-eslint/dot-notation': 'off',
      // Loops over typed arrays count: the index is what matters, and for-of is slower on some.
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Only `_`: for what a signature demands and nobody reads.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.{js,mjs}', 'bin/lockstep'],
    languageOptions: { sourceType: 'module' },
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'no-var': 'error', 'prefer-const': 'error' },
  },
  {
    files: ['src/**'],
    plugins: { lockstep: { rules: { walls } } },
    rules: {
      'lockstep/walls': 'error',
      'no-console': 'error',
      'no-restricted-properties': ['error', NO_RANDOM, ...NO_TERMINAL],
      'no-restricted-imports': [
        'error',
        ...['process', 'node:process', 'console', 'node:console'].map((name) => ({
          name,
          message: 'Use the global: the rules for cli/ watch that one.',
        })),
      ],
    },
  },
  {
    files: ['src/cli/**'],
    rules: {
      'no-restricted-properties': ['error', NO_RANDOM],
      'no-restricted-syntax': ['error', WRITES_PAST_THE_DOOR],
    },
  },
  {
    files: ['src/cli/process/terminal.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // Whatever may touch a weight.
    files: ['src/{foundation,data,model,engine,coordinator}/**'],
    rules: {
      'no-restricted-properties': ['error', NO_RANDOM, ...NO_TERMINAL, ...NO_HOST_DEFINED_MATH],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'BinaryExpression[operator="**"]:not([left.value=2]), AssignmentExpression[operator="**="]',
          message: 'Powers other than of 2 are rounded as the host likes: multiply.',
        },
      ],
    },
  },
  {
    files: ['src/{foundation,data,model,engine}/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'Date', message: 'Nothing that makes weights may know what time it is.' },
      ],
    },
  },
  {
    // At the border to tfjs, whose types are looser than its behaviour.
    files: ['src/engine/tfjs/**'],
    rules: {
      // Its lookups return null or undefined where their types do not say so.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // It names a tensor's rank by assertion throughout, and its attribute maps want an index signature.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
    },
  },
  {
    // At the border to uPlot: its types know no null in values, and its enumerations exist for the compiler only.
    files: ['src/web/live/charts.ts'],
    rules: {
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
    },
  },
  {
    files: ['test/**'],
    rules: {
      // Messages that a test forges, and JSON that it reads back, are any by nature.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
);
