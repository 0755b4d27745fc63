/** The package as its users get it: packed, installed in an empty folder, and commands run there as they would run them. */
import {spawn} from 'node:child_process';
import {existsSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What npm and ava put into the environment of tests is not there in a user's shell. */
const environment: NodeJS.ProcessEnv = {
	...Object.fromEntries(
		Object.entries(process.env).filter(
			([name]) => !/^(npm_(package|lifecycle|config_(local_prefix|noproxy))|INIT_CWD$|NODE_ENV$|NODE_OPTIONS$|AVA_)/i.test(name),
		),
	),
	PATH: (process.env['PATH'] ?? '')
		.split(path.delimiter)
		.filter(folder => !folder.startsWith(repository))
		.join(path.delimiter),
	NO_COLOR: '1',
};

export const start = (command: string, argumentList: readonly string[], cwd: string) =>
	spawn(command, argumentList, {cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe']});

/** What the command prints on stdout; an error with all that it printed when it fails. */
export async function execute(command: string, argumentList: readonly string[], cwd: string): Promise<string> {
	const child = start(command, argumentList, cwd);
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
	child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
	const status = await new Promise<number | null>((resolve, reject) => {
		child.on('error', reject).on('close', resolve);
	});
	if (status !== 0) {
		throw new Error(`${command} ${argumentList.join(' ')}: status ${status}\n${stdout}\n${stderr}`);
	}

	return stdout;
}

const built = [
	'kernels/plain.wasm',
	'kernels/relaxed.wasm',
	'kernels/prototypes.json',
	'loader/runtime.browser.js',
	'loader/runtime.node.js',
	'loader/snug.js',
	'loader/tokenizer.js',
	'page/bench.html',
	'page/bench.js',
	'page/icon.svg',
	'page/index.html',
	'page/page.css',
	'page/page.js',
];

/** Files that a build would write and `dist` lacks, and files there whose source is gone. */
export function differencesOfBuild(): string[] {
	const list = (folder: string, pattern: RegExp): string[] => {
		const root = path.join(repository, folder);
		return existsSync(root) ? readdirSync(root, {recursive: true, encoding: 'utf8'}).filter(name => pattern.test(name)) : [];
	};

	const pairs = ['compiler', 'profiles', 'targets', 'runtime-wasm/loader'].map(folder => ({
		sources: list(folder, /\.ts$/).map(name => path.join(folder, name.slice(0, -3))),
		outputs: list(`dist/${folder}`, /\.js$/).map(name => path.join(folder, name.slice(0, -3))),
	}));
	return [
		...built.filter(name => !existsSync(path.join(repository, 'dist', name))).map(name => `missing: dist/${name}`),
		...pairs.flatMap(({sources, outputs}) => [
			...sources.filter(name => !outputs.includes(name)).map(name => `missing: dist/${name}.js`),
			...outputs.filter(name => !sources.includes(name)).map(name => `without a source: dist/${name}.js`),
		]),
	];
}

export type Packed = {readonly tarball: string; readonly bytes: number; readonly files: readonly string[]};

/** Packs what is built; the tarball goes into `folder`. */
export async function pack(folder: string): Promise<Packed> {
	const printed = await execute('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], repository);
	const [{filename, size, files}] = JSON.parse(printed) as [{filename: string; size: number; files: Array<{path: string}>}];
	return {tarball: path.join(folder, filename), bytes: size, files: files.map(file => file.path)};
}

/** Makes `folder` a project with these packages. */
export async function install(folder: string, packages: readonly string[]): Promise<void> {
	writeFileSync(path.join(folder, 'package.json'), JSON.stringify({name: 'user', private: true, type: 'module'}));
	await execute('npm', ['install', '--no-fund', '--no-audit', '--prefer-offline', ...packages], folder);
}

export const bytesOfFolder = (folder: string): number =>
	readdirSync(folder, {recursive: true, encoding: 'utf8'}).reduce((sum, name) => {
		const found = statSync(path.join(folder, name));
		return sum + (found.isFile() ? found.size : 0);
	}, 0);
