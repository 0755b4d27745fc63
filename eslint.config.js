/** Rules beyond the compiler's own: the strict type-checked set, less what argues with the project's style. */
import js from '@eslint/js';
import typescript from 'typescript-eslint';

export default typescript.config(
	{ignores: ['dist', '.cache', 'test/models', 'test/golden', 'out', 'build']},
	js.configs.recommended,
	{
		files: ['**/*.ts'],
		extends: [typescript.configs.strictTypeChecked],
		languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
		rules: {
			// The style is types and functions: aliases rather than interfaces, `!` where an index is known to be inside.
			'@typescript-eslint/consistent-type-definitions': ['error', 'type'],
			'@typescript-eslint/consistent-type-imports': ['error', {disallowTypeAnnotations: false}],
			'@typescript-eslint/no-non-null-assertion': 'off',
			'@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true, allowBoolean: true}],
			'@typescript-eslint/no-confusing-void-expression': ['error', {ignoreArrowShorthand: true}],
			'@typescript-eslint/no-unnecessary-condition': ['error', {allowConstantLoopConditions: true}],
			'@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true}],
			'@typescript-eslint/no-empty-function': 'off',
			// Contexts are records of functions that do not use `this`, and are taken apart where they arrive.
			'@typescript-eslint/unbound-method': 'off',
			// Functions that promise by contract need not wait for anything.
			'@typescript-eslint/require-await': 'off',
			'no-empty': ['error', {allowEmptyCatch: true}],
			'@typescript-eslint/prefer-literal-enum-member': 'off',
			'@typescript-eslint/unified-signatures': 'off',
			// `number | string | 'auto'` documents what a text may say.
			'@typescript-eslint/no-redundant-type-constituents': 'off',
			// binaryen declares its flags as an enum and combines them by `|`.
			'@typescript-eslint/no-unsafe-enum-assignment': 'off',
			'@typescript-eslint/no-dynamic-delete': 'off',
			'no-restricted-syntax': [
				'error',
				{selector: 'ExportDefaultDeclaration', message: 'Name exports.'},
				{selector: 'TSEnumDeclaration', message: 'Use a union of literals.'},
			],
			eqeqeq: 'error',
		},
	},
	{
		files: ['test/**/*.ts'],
		rules: {
			'@typescript-eslint/no-floating-promises': 'off',
		},
	},
);
