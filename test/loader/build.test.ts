import {execFileSync} from 'node:child_process';
import {copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import type * as Runtime from '../../runtime-wasm/loader/index.js';
import {createTokenizer} from '../../runtime-wasm/loader/tokenizer/index.js';
import {buildLoader} from '../../runtime-wasm/build-loader.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {serveFolder} from '../helpers/server.js';
import {chatter, fileEntry, nextToken, writeBundle, type Draft} from '../helpers/tiny-bundle.js';

const books = fileURLToPath(new URL('../models/books-3m/', import.meta.url));
const smollm = fileURLToPath(new URL('../../../shared/models/smollm2-135m/', import.meta.url));
const vocabulary = 2048;

/** The chatter with the tokenizer of a real model. */
function talker(loader: string): Draft {
	const draft = chatter({vocabulary});
	const read = (file: string): string => readFileSync(path.join(books, file), 'utf8');
	const text = {
		module: fileEntry(draft.files, 'tokenizer.abc.js', readFileSync(path.join(loader, 'tokenizer.js'))),
		tokenizer: fileEntry(draft.files, 'tokenizer.json', read('tokenizer.json')),
		config: fileEntry(draft.files, 'tokenizer_config.json', read('tokenizer_config.json')),
		template: fileEntry(
			draft.files,
			'chat_template.jinja',
			"{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}",
		),
	};
	return {...draft, manifest: {...draft.manifest, text}};
}

async function collect(pieces: AsyncIterable<string>): Promise<string> {
	let text = '';
	for await (const piece of pieces) {
		text += piece;
	}

	return text;
}

test.serial('the built files are small and need nothing', async t => {
	const folder = temporaryFolder(t);
	await buildLoader(folder);
	t.deepEqual(readdirSync(folder).sort(), ['runtime.browser.js', 'runtime.node.js', 'snug.js', 'tokenizer.js']);
	for (const name of readdirSync(folder)) {
		const text = readFileSync(path.join(folder, name), 'utf8');
		t.notRegex(text, /^import\b|\bfrom\s*["'][^"']+["'];|\brequire\(/m, name);
	}

	t.true(gzipSync(readFileSync(path.join(folder, 'snug.js'))).length <= 25_000);
	t.notRegex(readFileSync(path.join(folder, 'runtime.browser.js'), 'utf8'), /getBuiltinModule/);
});

test.serial("a bundle's own snug.js and snug/runtime speak in Node, from files and from the network", async t => {
	const loader = temporaryFolder(t);
	await buildLoader(loader);
	const folder = writeBundle(temporaryFolder(t), talker(loader));
	copyFileSync(path.join(loader, 'snug.js'), path.join(folder, 'snug.js'));
	const server = await serveFolder(folder);
	t.teardown(async () => server.close());
	const own = (await import(pathToFileURL(path.join(folder, 'snug.js')).href)) as typeof Runtime;
	const runtime = (await import(pathToFileURL(path.join(loader, 'runtime.node.js')).href)) as typeof Runtime;

	const files = {tokenizer: readFileSync(path.join(books, 'tokenizer.json'), 'utf8'), config: readFileSync(path.join(books, 'tokenizer_config.json'), 'utf8')};
	const tokenizer = createTokenizer(files);
	const prompt = 'It was a dark night';
	const tokens = tokenizer.encode(prompt);
	for (let index = 0; index < 12; index++) {
		tokens.push(nextToken(tokens, vocabulary));
	}

	const expected = tokenizer.decode(tokens).slice(prompt.length);
	for (const [load, url] of [
		[own.load, folder],
		[runtime.load, folder],
		[runtime.load, server.url],
	] as const) {
		const model = await load(url);
		t.is(await collect(model.generate(prompt, {maxTokens: 12})), expected);
		t.deepEqual(await model.tokenize(prompt), tokenizer.encode(prompt));
		t.is(await model.detokenize(await model.tokenize(prompt)), prompt);
		const chat = [{role: 'user', content: 'Hello'}];
		t.deepEqual(await model.tokenize(chat), tokenizer.encode('user: Hello\nassistant:'));
		await collect(model.generate(chat, {maxTokens: 2}));
		t.is(model.finishReason, 'length');
		const stop = expected.slice(5, 8);
		t.is(await collect(model.generate(prompt, {maxTokens: 12, stop})), expected.slice(0, expected.indexOf(stop)));
		t.is(model.finishReason, 'stop');
		model.release();
	}

	const remote = await own.load(server.url);
	await t.throwsAsync(collect(remote.generate(prompt)), {message: /code is not run from the network/});
	remote.release();
});

test.serial('a process ends by itself when no call is on its way', async t => {
	const loader = temporaryFolder(t);
	await buildLoader(loader);
	const folder = writeBundle(temporaryFolder(t), talker(loader));
	const script = path.join(loader, 'script.mjs');
	writeFileSync(
		script,
		`import {load} from './runtime.node.js';\nconst model = await load(${JSON.stringify(folder)});\nfor await (const text of model.generate('It was', {maxTokens: 3})) process.stdout.write(text);\nconsole.log(' ' + model.finishReason);\n`,
	);
	t.regex(execFileSync(process.execPath, [script], {encoding: 'utf8', timeout: 60_000, env: {...process.env, NODE_OPTIONS: ''}}), / length\n$/);
});

const smollmTest = existsSync(path.join(smollm, 'tokenizer.json')) ? test : test.skip;

smollmTest("SmolLM2's chat template makes the prompt that its authors describe", t => {
	const read = (file: string): string => readFileSync(path.join(smollm, file), 'utf8');
	const tokenizer = createTokenizer({tokenizer: read('tokenizer.json'), config: read('tokenizer_config.json'), template: read('chat_template.jinja')});
	const text = tokenizer.template!([
		{role: 'system', content: 'Be brief.'},
		{role: 'user', content: 'Hi'},
	]);
	t.is(text, '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n');
	t.is(tokenizer.encode(text, {special: false})[0], 1, '<|im_start|> is one token');
	t.is(tokenizer.decode(tokenizer.encode('naïve 😀 text', {special: false})), 'naïve 😀 text');
});
