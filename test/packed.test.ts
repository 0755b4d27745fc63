/** The package from its tarball, as a user has it: the command, the types, Node, and a page that Vite builds or serves. */
import {cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import test, {type ExecutionContext} from 'ava';
import {chromium} from 'playwright-core';
import {bytesOfFolder, differencesOfBuild, execute, install, pack, repository, start, type Packed} from './helpers/package.js';
import {serveFolder} from './helpers/server.js';

/** The newest major version that runs on every Node that the package supports. */
const VITE = 'vite@7.3.8';
const BROWSER = '/usr/bin/chromium';
const PROMPT = 'Once upon a time';
const MOST_BYTES = 1_500_000;

const program = `
import {load, type Model, type Tensor} from 'snug/runtime';

const model: Model = await load('./model', {simd: 'plain'});
const outputs: Record<string, Tensor> = await model.run({input_ids: {type: 'int64', data: BigInt64Array.of(1n, 2n, 3n), dims: [1, 3]}});
let text = '';
for await (const piece of model.generate('${PROMPT}', {maxTokens: 16})) text += piece;
// @ts-expect-error: wrong usage is an error of types
export const wrong = () => model.generate('${PROMPT}', {maxTokens: 'many'});
console.log(JSON.stringify({text, dims: outputs['logits']!.dims, memory: model.info.memory}));
model.release();
`;

const page = `
import {load} from 'snug/runtime';

async function main() {
	const model = await load('./model/', {simd: 'plain'});
	let text = '';
	for await (const piece of model.generate('${PROMPT}', {maxTokens: 16})) text += piece;
	return text;
}

globalThis.result = main();
`;

type Answer = {readonly text: string; readonly dims: readonly number[]; readonly memory: number};

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'snug-packed-')));
const project = path.join(root, 'project');
let packed: Packed;
/** What the program prints in Node; the pages must write the same text. */
let answer: Answer;

test.before(async t => {
	t.timeout(600_000);
	const differences = differencesOfBuild();
	if (differences.length > 0) {
		throw new Error(`dist is not what the sources make: ${differences.slice(0, 5).join(', ')}; run \`npm run build\``);
	}

	mkdirSync(project);
	packed = await pack(root);
	await install(project, [packed.tarball, VITE]);
});

test.after.always(() => {
	rmSync(root, {recursive: true, force: true});
});

test.serial('the tarball is small and holds no sources, tests or models', t => {
	t.log(`tarball ${packed.bytes} bytes, installed ${bytesOfFolder(path.join(project, 'node_modules/snug'))} bytes without dependencies`);
	t.true(packed.bytes <= MOST_BYTES);
	t.deepEqual(
		packed.files.filter(file => !/^(dist\/.*\.(js|d\.ts|json|wasm)|dist\/page\/.*\.(html|css|svg)|package\.json|README\.md|LICENSE)$/.test(file)),
		[],
	);
});

test.serial('the command of a build can be executed, as `npx snug` in a clone does', t => {
	t.true(process.platform === 'win32' || (statSync(path.join(repository, 'dist/compiler/cli.js')).mode & 0o111) === 0o111);
});

test.serial('the command compiles and runs', async t => {
	const model = path.join(repository, 'test/models/books-3m/model.onnx');
	const compiled = JSON.parse(await execute('npx', ['--no', 'snug', 'compile', model, '--budget', '4MB', '-o', 'model', '--json'], project)) as {
		bytes: {total: number};
	};
	t.true(compiled.bytes.total <= 4e6);
	const ran = JSON.parse(await execute('npx', ['--no', 'snug', 'run', 'model', '-p', PROMPT, '--max-tokens', '16', '--json'], project)) as {
		tokens: number;
		memory: number;
	};
	t.is(ran.tokens, 16);
	t.is(ran.memory, compiled.bytes.total);
	cpSync(path.join(project, 'model'), path.join(project, 'public/model'), {recursive: true});
});

for (const [moduleResolution, module] of [
	['bundler', 'esnext'],
	['nodenext', 'nodenext'],
] as const) {
	test.serial(`a strict TypeScript program type-checks with module resolution ${moduleResolution}`, async t => {
		writeFileSync(path.join(project, 'program.ts'), program);
		const compilerOptions = {strict: true, target: 'es2022', lib: ['es2022', 'dom'], types: [], module, moduleResolution, outDir: '.'};
		writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({compilerOptions, files: ['program.ts']}));
		await t.notThrowsAsync(execute(process.execPath, [path.join(repository, 'node_modules/typescript/bin/tsc'), '-p', '.'], project));
	});
}

test.serial('the program runs in Node', async t => {
	answer = JSON.parse(await execute(process.execPath, ['program.js'], project)) as Answer;
	t.deepEqual(answer.dims.slice(0, 2), [1, 3]);
	t.true(answer.text.length > 10, answer.text);
	t.true(answer.memory > 1e6 && answer.memory <= 4e6);
});

async function writes(t: ExecutionContext, url: string): Promise<void> {
	const browser = await chromium.launch({
		executablePath: BROWSER,
		args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update'],
	});
	try {
		const tab = await browser.newPage();
		const problems: string[] = [];
		tab.on('pageerror', error => problems.push(error.message));
		await tab.goto(url);
		await tab.waitForFunction(() => 'result' in globalThis);
		const text = await tab.evaluate(async () => (globalThis as unknown as {result: Promise<string>}).result);
		t.is(text, answer.text);
		t.is(tab.workers().length, 1);
		t.deepEqual(problems, []);
	} finally {
		await browser.close();
	}
}

function writePage(): void {
	writeFileSync(path.join(project, 'index.html'), '<!doctype html><html lang="en"><title>Snug</title><script type="module" src="/main.js"></script></html>');
	writeFileSync(path.join(project, 'main.js'), page);
}

const vite = 'node_modules/vite/bin/vite.js';

test.serial('Vite builds a page without configuration, and the page writes text', async t => {
	writePage();
	await execute(process.execPath, [vite, 'build'], project);
	if (!existsSync(BROWSER)) {
		t.log('skipped in a browser: Chromium is not there');
		t.pass();
		return;
	}

	const server = await serveFolder(path.join(project, 'dist'));
	t.teardown(async () => server.close());
	await writes(t, `${server.url}index.html`);
});

test.serial('the development server of Vite serves the same page', async t => {
	if (!existsSync(BROWSER)) {
		t.log('skipped: Chromium is not there');
		t.pass();
		return;
	}

	writePage();
	const server = start(process.execPath, [vite, '--host', '127.0.0.1'], project);
	t.teardown(() => server.kill());
	const url = await new Promise<string>((resolve, reject) => {
		let printed = '';
		const read = (text: string): void => {
			printed += text;
			const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(printed)?.[0];
			if (found !== undefined) {
				resolve(found);
			}
		};

		server.stdout.setEncoding('utf8').on('data', read);
		server.stderr.setEncoding('utf8').on('data', read);
		server.on('close', () => {
			reject(new Error(`vite ended: ${printed}`));
		});
	});
	await writes(t, url);
});
