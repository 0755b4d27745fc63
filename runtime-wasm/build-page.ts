/** Builds the pages of `snug serve` and `snug bench` into `dist/page`: scripts with esbuild, the rest as it is. */
import {cpSync, mkdirSync, rmSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const sources = fileURLToPath(new URL('page/', import.meta.url));
const output = fileURLToPath(new URL('../dist/page/', import.meta.url));

export async function buildPage(directory = output): Promise<void> {
	rmSync(directory, {recursive: true, force: true});
	mkdirSync(directory, {recursive: true});
	for (const file of ['index.html', 'page.css', 'icon.svg', 'bench.html']) {
		cpSync(path.join(sources, file), path.join(directory, file));
	}

	await build({
		absWorkingDir: sources,
		entryPoints: ['page.ts', 'bench.ts'],
		outdir: directory,
		bundle: true,
		minify: true,
		format: 'esm',
		target: 'es2022',
		platform: 'browser',
		charset: 'utf8',
		legalComments: 'none',
		logLevel: 'warning',
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	await buildPage();
}
