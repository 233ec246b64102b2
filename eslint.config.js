import { existsSync, readdirSync } from 'node:fs'
import tseslint from 'typescript-eslint'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'

/**
 * Who may import whom: downward only. A folder may use its own files and what is named here, and nothing else of ours.
 * A path with a slash allows that one file and not the folder.
 */
const LAYERS = {
  core: [],
  audio: [],
  telemetry: ['core'],
  twiml: ['core'],
  'media-stream': ['core'],
  'conversation-relay': ['core'],
  elevenlabs: ['core'],
  webhooks: ['core'],
  'agent-tools': ['core'],
  records: ['core'],
  context: ['records', 'core'],
  compliance: ['records', 'core'],
  'do-not-call-list': ['compliance', 'core'],
  storage: ['events/map', 'compliance/ports', 'records', 'core'],
  bridge: ['media-stream', 'conversation-relay', 'elevenlabs', 'agent-tools', 'audio', 'telemetry', 'core'],
  events: ['storage/queues', 'storage/lanes', 'storage/store', 'webhooks', 'core'],
  calls: [
    'events/map',
    'compliance',
    'context',
    'storage/store',
    'storage/coordination',
    'storage/queues',
    'storage/attempt-names',
    'records',
    'twiml',
    'webhooks',
    'telemetry',
    'core',
  ],
  middleware: [
    'calls/place-call',
    'calls/plan',
    'storage/store',
    'records',
    'telemetry',
    'health',
    'webhooks',
    'agent-tools',
    'core',
  ],
  health: ['core'],
  // Composes the parts for `voice.ts`, and so may use any of them but the other side.
  front: [
    'bridge', 'media-stream', 'conversation-relay', 'elevenlabs', 'webhooks', 'agent-tools', 'calls', 'compliance',
    'context', 'events', 'health', 'middleware', 'records', 'storage', 'telemetry', 'twiml', 'core',
  ], // prettier-ignore
  simulator: [
    'media-stream/messages',
    'conversation-relay/messages',
    'elevenlabs/messages',
    'webhooks',
    'audio',
    'core',
  ],
}

const folders = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)

const layerRules = folders.flatMap((folder) => {
  const allowed = LAYERS[folder]
  if (!allowed) throw new Error(`src/${folder} has no place in the layer table of eslint.config.js`)
  const forbidden = folders.filter((other) => other !== folder && !allowed.includes(other))
  const files = allowed.filter((entry) => entry.includes('/'))
  const names = forbidden.join('|')
  const except = files.map((file) => `(?!${file}\\.js$)`).join('')
  /** @param above - How many folders up the files of `src` itself are. */
  const patternsAt = (above) => [
    { regex: '(^|/)index\\.js$', message: 'Import the file that has the thing, never an index.' },
    {
      regex: `^(\\.\\./){${above}}${folder === 'front' ? '(?!config\\.js)' : ''}([\\w-]+)\\.js$`,
      message: 'A folder does not import the files that stand above it.',
    },
    ...(names
      ? [
          {
            regex: `^(\\.\\./)+${except}(${names})/`,
            message: `src/${folder} may import only: ${[folder, ...allowed].join(', ')}.`,
          },
        ]
      : []),
  ]
  return [
    [`src/${folder}/*.ts`, 1],
    [`src/${folder}/*/*.ts`, 2],
    [`src/${folder}/*/*/**/*.ts`, 3],
  ].map(([file, above]) => ({
    files: [file],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: patternsAt(above) }] },
  }))
})

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'demo-out', 'node_modules'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts'], extensionAlias: { '.js': ['.ts'] } })],
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A method that a port wants async turns what it throws into a rejection, whether it waits for anything or not.
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'A union of literals, or an `as const` object.' },
        { selector: 'ExportDefaultDeclaration', message: 'Named exports.' },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'import-x/no-cycle': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only from-env.ts reads the environment, when it is called.' },
      ],
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({ name, message: 'Use the Clock that is handed in.' })),
      ],
    },
  },
  { files: ['src/core/clock.ts'], rules: { 'no-restricted-globals': 'off' } },
  { files: ['src/from-env.ts'], rules: { 'no-restricted-properties': 'off' } },
  ...layerRules,
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
  { files: ['examples/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: ['*.config.ts', '*.config.js'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
)

if (!existsSync('src/core')) throw new Error('run eslint from the root of the project')
