/** The suites that every change must pass; the long ones have a configuration of their own. */
export default {
	extensions: {ts: 'module'},
	nodeArguments: ['--import=tsx'],
	files: ['test/**/*.test.ts', '!test/long/**'],
	timeout: '10m',
	workerThreads: false,
	concurrency: 2,
	environmentVariables: {ORT_DISABLE_TELEMETRY: '1', XDG_CACHE_HOME: 'node_modules/.cache/snug-tests'},
};
