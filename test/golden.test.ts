/** Bundles of every format that there ever was are read by today's loader, and today's compiler still writes the present one. */
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {FORMAT, OLDEST_FORMAT, type Manifest} from '../compiler/bundle/format.js';
import {codecs} from '../compiler/codecs/index.js';
import {load} from '../runtime-wasm/loader/index.js';
import {answer, type Answer} from './golden/answer.js';
import {writeGolden} from './golden/write.js';
import {temporaryFolder} from './helpers/temporary.js';

const golden = fileURLToPath(new URL('golden/', import.meta.url));
const formats = readdirSync(golden).filter(name => name.startsWith('format-'));
const readJson = (directory: string, name: string): unknown => JSON.parse(readFileSync(path.join(directory, name), 'utf8'));
const readManifest = (directory: string): Manifest => readJson(directory, 'manifest.json') as Manifest;

const TOLERANCE = 1e-4;

const WAY_OUT = `the bytes of a code are part of the format. Were they changed by intent, raise FORMAT in compiler/bundle/format.ts, let the loader read both (or raise OLDEST_FORMAT),
and make a new golden folder with npx tsx test/golden/make.ts; else mend the codec`;

test('there is a golden bundle of every format that loaders read', t => {
	t.deepEqual(formats.sort(), Array.from({length: FORMAT - OLDEST_FORMAT + 1}, (_, index) => `format-${OLDEST_FORMAT + index}`).sort());
});

for (const format of formats) {
	test(`today's loader reads ${format} and answers as it did`, async t => {
		const directory = path.join(golden, format);
		const model = await load(`${directory}/`);
		t.teardown(() => {
			model.release();
		});
		const expected = readJson(directory, 'expected.json') as Answer;
		const actual = await answer(model);
		t.deepEqual(actual.prompt, expected.prompt);
		t.deepEqual(actual.tokens, expected.tokens);
		t.true(new Set(expected.tokens).size > 5);
		for (const kind of ['prefill', 'decode'] as const) {
			t.is(actual[kind].length, expected[kind].length);
			const worst = Math.max(...expected[kind].map((value, index) => Math.abs(value - actual[kind][index]!)));
			t.true(worst <= TOLERANCE, `${kind}: ${worst}`);
		}
	});
}

/** The hash of each part of the weights, by name. */
function hashes(directory: string): ReadonlyMap<string, string> {
	const {parts, chunks, weights} = readManifest(directory);
	const held = new Set(weights.flatMap(({terms}) => terms.flatMap(term => term.parts)));
	const files = chunks.map(({file}) => readFileSync(path.join(directory, file)));
	return new Map(
		parts.flatMap(({name, pieces}, index) => {
			if (!held.has(index)) {
				return [];
			}

			const hash = createHash('sha256');
			for (const {chunk, offset, bytes} of pieces) {
				hash.update(files[chunk]!.subarray(offset, offset + bytes));
			}

			return [[name, hash.digest('hex')] as const];
		}),
	);
}

test("today's compiler writes the same bytes for the same codes", async t => {
	const committed = path.join(golden, `format-${FORMAT}`);
	const directory = temporaryFolder(t);
	const made = await writeGolden(directory);
	const codesOf = ({weights}: Manifest) =>
		weights.map(({name, uses, rows, columns, terms}) => ({name, uses, rows, columns, terms: terms.map(({codec, parameters}) => ({codec, parameters}))}));
	t.deepEqual(codesOf(made), codesOf(readManifest(committed)), 'the weights are named, joined or encoded otherwise');
	const [before, after] = [hashes(committed), hashes(directory)];
	t.deepEqual([...after.keys()], [...before.keys()]);
	for (const [name, hash] of before) {
		t.is(after.get(name), hash, `${name} differs: ${WAY_OUT}`);
	}
});

test('the golden bundle holds the codecs of its format, is whole and is small', t => {
	const directory = path.join(golden, `format-${FORMAT}`);
	const {weights, chunks, programs} = readManifest(directory);
	const used = new Map<string, Set<string>>();
	for (const {codec, parameters} of weights.flatMap(({terms}) => terms)) {
		used.set(codec, (used.get(codec) ?? new Set()).add(String(parameters['levels'] ?? parameters['dtype'] ?? parameters['bits'])));
	}

	t.deepEqual(Object.fromEntries([...used].map(([codec, kinds]) => [codec, [...kinds].sort()])), {
		scalar: ['4', '5', '6', '7', '8'],
		planes: ['2', '3'],
		dense: ['float16', 'float32'],
		nf4: ['fp4', 'nf4'],
	});
	t.true([...used.keys()].every(codec => codecs.has(codec)));
	for (const {file, bytes, sha256} of [...chunks, programs.plain]) {
		const content = readFileSync(path.join(directory, file));
		t.is(content.length, bytes);
		t.is(createHash('sha256').update(content).digest('hex'), sha256, file);
	}

	t.false(existsSync(path.join(directory, 'snug.js')));
	const files = readdirSync(directory, {recursive: true, withFileTypes: true}).filter(entry => entry.isFile());
	t.true(files.reduce((sum, {parentPath, name}) => sum + readFileSync(path.join(parentPath, name)).length, 0) <= 250_000);
});
