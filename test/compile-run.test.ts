/** The command line on the model that comes with the repository, from ONNX to text. */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import type {Manifest} from '../compiler/bundle/format.js';
import {snug} from './helpers/command-line.js';

const model = fileURLToPath(new URL('models/books-3m/model.onnx', import.meta.url));

const text = `It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, it was the epoch of
belief, it was the epoch of incredulity, it was the season of light, it was the season of darkness, it was the spring of hope, it was the
winter of despair, we had everything before us, we had nothing before us, we were all going direct to heaven.`;

const folder = mkdtempSync(path.join(tmpdir(), 'snug-books-'));
const bundle = path.join(folder, 'books');

test.after.always(() => {
	rmSync(folder, {recursive: true});
});

test.serial('compile writes a bundle within the budget and prints one object', async t => {
	const {status, stdout, stderr} = await snug(['compile', model, '--budget', '4MB', '-o', bundle, '--json']);
	t.is(stderr, '');
	t.is(status, 0);
	const result = JSON.parse(stdout) as {
		bundle: string;
		budget: number;
		decidedBy: string;
		bytes: Record<string, number>;
		bitsPerWeight: number;
		seconds: number;
		peakMemory: number;
	};
	t.is(result.bundle, bundle);
	t.is(result.budget, 4e6);
	t.is(result.decidedBy, 'the budget option');
	const {total, ...rows} = result.bytes;
	t.true(total! <= 4e6 && total! > 3.5e6, `${total}`);
	t.is(
		Object.values(rows).reduce((sum, bytes) => sum + bytes, 0),
		total!,
	);
	t.true(result.bitsPerWeight > 2 && result.bitsPerWeight < 8);
	t.true(result.seconds > 0 && result.peakMemory > 1e7);
	const manifest = JSON.parse(readFileSync(path.join(bundle, 'manifest.json'), 'utf8')) as Manifest;
	t.is(manifest.levels[0]?.bytes, total);
	t.true(existsSync(path.join(bundle, 'snug.js')));
});

test.serial('run continues a prompt with it, the same each time', async t => {
	const runs = [];
	for (let index = 0; index < 2; index++) {
		const {status, stdout, stderr} = await snug(['run', bundle, '-p', 'Once upon a time', '--max-tokens', '16', '--json']);
		t.is(stderr, '');
		t.is(status, 0);
		runs.push(JSON.parse(stdout) as {text: string; tokens: number; memory: number});
	}

	t.is(runs[0]?.tokens, 16);
	t.regex(runs[0]?.text ?? '', /^[\w\s,.;:'"!?-]{16,}$/);
	t.is(runs[1]?.text, runs[0]?.text);
	t.true(runs[0]!.memory <= 4e6);
});

test.serial('eval finds it close to the model that it was compiled from, by every path', async t => {
	const file = path.join(folder, 'text.txt');
	writeFileSync(file, text);
	const evaluate = async (...argumentList: string[]): Promise<Record<string, number>> => {
		const {status, stdout, stderr} = await snug(['eval', ...argumentList, '--text', file, '--context', '64', '--windows', '1', '--json']);
		t.is(stderr, '');
		t.is(status, 0);
		return JSON.parse(stdout) as Record<string, number>;
	};

	const original = await evaluate(model);
	const prefill = await evaluate(bundle, '--against', model);
	const decode = await evaluate(bundle, '--path', 'decode');
	const reference = await evaluate(bundle, '--path', 'reference');
	t.true(original['perplexity']! > 2 && original['perplexity']! < 200, JSON.stringify(original));
	t.true(prefill['kl']! > 1e-5 && prefill['kl']! < 0.05, JSON.stringify(prefill));
	t.true(prefill['top1']! > 0.9);
	t.true(Math.abs(prefill['nll']! - original['nll']!) < 0.5);
	t.true(Math.abs(prefill['nll']! - reference['nll']!) < 0.02, JSON.stringify({prefill, reference}));
	t.true(Math.abs(decode['nll']! - reference['nll']!) < 0.05, JSON.stringify({decode, reference}));
	t.true(prefill['bytes']! <= 4e6 && reference['bytes']! <= 4e6 && original['bytes']! > 8e6);
});

test.serial('a budget that nothing fits is refused with the smallest that does', async t => {
	const {status, stdout, stderr} = await snug(['compile', model, '--budget', '1MB', '-o', path.join(folder, 'none')]);
	t.is(status, 1);
	t.is(stdout, '');
	t.regex(stderr, /^snug: budget of 1 MB \(the budget option\): [^\n]*expected at least [^\n]*found 1000000 bytes[^\n]*\n$/);
	t.false(existsSync(path.join(folder, 'none')));
});
