/** Builds the compiler's threads, with esbuild, into `dist/workers`: a worker takes no TypeScript. */
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const compiler = fileURLToPath(new URL('../compiler/', import.meta.url));
const output = fileURLToPath(new URL('../dist/workers/', import.meta.url));

await build({
	entryPoints: ['jobs/job-worker.ts', 'numeric/team-worker.ts'].map(name => path.join(compiler, name)),
	outdir: output,
	entryNames: '[name]',
	bundle: true,
	format: 'esm',
	target: 'es2022',
	platform: 'node',
});
