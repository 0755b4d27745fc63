/** `snug run` and `snug eval` end to end, on toy bundles whose answers can be worked out by hand. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {readNpz, writeNpy} from '../compiler/numpy.js';
import {snug} from './helpers/command-line.js';
import {talker, vocabulary, words} from './helpers/talker.js';
import {adder, chatterLimits, nextToken, weight, writeBundle} from './helpers/tiny-bundle.js';

function temporary(t: ExecutionContext): string {
	const directory = mkdtempSync(path.join(tmpdir(), 'snug-run-'));
	t.teardown(() => {
		rmSync(directory, {recursive: true});
	});
	return directory;
}

function continuation(prompt: readonly number[], count: number): number[] {
	const tokens = [...prompt];
	while (tokens.length < prompt.length + count) {
		tokens.push(nextToken(tokens, vocabulary));
	}

	return tokens.slice(prompt.length);
}

test('run continues a prompt, as text and as JSON', async t => {
	const bundle = writeBundle(temporary(t), talker());
	const prompt = [1, 2, 3];
	const expected = words(continuation(prompt, 5));
	const plain = await snug(['run', bundle, '-p', words(prompt), '--max-tokens', '5']);
	t.is(plain.stderr, '');
	t.is(plain.status, 0);
	t.is(plain.stdout.trim(), expected);
	const json = await snug(['run', bundle, '-p', words(prompt), '--max-tokens', '5', '--json']);
	const result = JSON.parse(json.stdout) as Record<string, unknown>;
	t.deepEqual(Object.keys(result).sort(), ['memory', 'promptTokens', 'text', 'timeToFirstToken', 'tokens', 'tokensPerSecond']);
	t.like(result, {tokens: 5, promptTokens: 3});
	t.is(String(result['text']).trim(), expected);
	t.true(Number(result['timeToFirstToken']) > 0 && Number(result['memory']) > 65_536);
});

test('run stops at the budget that it is given', async t => {
	const bundle = writeBundle(temporary(t), talker());
	const {status, stderr} = await snug(['run', bundle, '-p', 'w1', '--budget', '1000']);
	t.is(status, 1);
	t.regex(stderr, /^snug: [^\n]*budget[^\n]*1000[^\n]*\n$/);
});

test('run takes arrays and writes every output under its name', async t => {
	const directory = temporary(t);
	const bundle = writeBundle(path.join(directory, 'bundle'), adder());
	const input = path.join(directory, 'x.npy');
	const output = path.join(directory, 'out.npz');
	writeFileSync(input, writeNpy({dtype: 'float32', dims: [2, 4], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)}));
	const {status, stdout, stderr} = await snug(['run', bundle, '--input', `x=${input}`, '-o', output, '--json']);
	t.is(stderr, '');
	t.is(status, 0);
	t.like(JSON.parse(stdout), {outputs: [{name: 'y', type: 'float32', dims: [2, 4]}], file: output});
	const y = readNpz(readFileSync(output), output).get('y');
	t.deepEqual(y?.dims, [2, 4]);
	t.deepEqual(
		[...(y?.data ?? [])],
		[1, 2, 3, 4, 5, 6, 7, 8].map((x, index) => x + weight[index % 4]!),
	);
});

test('run names the input that is missing and the file that is none', async t => {
	const directory = temporary(t);
	const bundle = writeBundle(path.join(directory, 'bundle'), adder());
	const file = path.join(directory, 'a.npy');
	writeFileSync(file, 'no array');
	const broken = await snug(['run', bundle, '--input', `x=${file}`]);
	t.is(broken.status, 1);
	t.regex(broken.stderr, /a\.npy/);
	const missing = await snug(['run', bundle, '--input', `x=${path.join(directory, 'none.npy')}`]);
	t.is(missing.status, 1);
	t.regex(missing.stderr, /^snug: [^\n]*none\.npy[^\n]*\n$/);
});

/** The mean of −log softmax for the toy model, whose logits are 8 − |i − next|. */
function expectedNll(ids: readonly number[], context: number, starts: readonly number[]): number {
	let sum = 0;
	for (const start of starts) {
		for (let position = 1; position < context; position++) {
			const next = nextToken(ids.slice(start, start + position), vocabulary);
			const logit = (token: number): number => 8 - Math.abs(token - next);
			const total = Math.log(Array.from({length: vocabulary}, (_, token) => Math.exp(logit(token))).reduce((a, b) => a + b));
			sum += total - logit(ids[start + position]!);
		}
	}

	return sum / (starts.length * (context - 1));
}

for (const kind of ['decode', 'prefill']) {
	test(`eval measures perplexity on evenly spaced windows, by the path ${kind}`, async t => {
		const directory = temporary(t);
		const bundle = writeBundle(path.join(directory, 'bundle'), talker());
		const text = path.join(directory, 'text.txt');
		const ids = Array.from({length: 100}, (_, index) => (index * 29 + 3) % 12);
		writeFileSync(text, words(ids));
		const {status, stdout, stderr} = await snug(['eval', bundle, '--text', text, '--context', '10', '--windows', '3', '--path', kind, '--json']);
		t.is(stderr, '');
		t.is(status, 0);
		const {nll, perplexity, tokens, bytes} = JSON.parse(stdout) as Record<string, number>;
		const expected = expectedNll(ids, 10, [0, 30, 60]);
		t.true(Math.abs(nll! - expected) < 1e-5, `${nll} ${expected}`);
		t.true(Math.abs(perplexity! - Math.exp(expected)) < 1e-4 * Math.exp(expected));
		t.is(tokens, 27);
		t.true(bytes! > 65_536);
	});
}

test('eval refuses what it cannot evaluate, and says why', async t => {
	const directory = temporary(t);
	const text = path.join(directory, 'text.txt');
	writeFileSync(text, words([1, 2, 3, 4, 5]));
	const mute = writeBundle(path.join(directory, 'adder'), adder());
	t.regex((await snug(['eval', mute, '--text', text])).stderr, /bundle 'adder': has no text to evaluate/);
	const bundle = writeBundle(path.join(directory, 'talker'), talker());
	t.regex((await snug(['eval', bundle, '--text', text])).stderr, /the text: is shorter than one window: expected at least 64 tokens, found 5 tokens/);
	const long = await snug(['eval', bundle, '--text', text, '--context', '65']);
	t.is(long.status, 1);
	t.regex(long.stderr, new RegExp(`--context: does not fit the bundle 'chatter': expected 2 to ${chatterLimits.positions} tokens, found 65`));
	t.is((await snug(['eval', bundle, '--text', path.join(directory, 'none.txt')])).status, 1);
});
