import test from 'ava';
import {FORMAT, OLDEST_FORMAT} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import {parseManifest} from '../../runtime-wasm/loader/manifest.js';
import {adder, chatter, type Draft} from '../helpers/tiny-bundle.js';

type Json = {[key: string]: Json} & Json[] & string & number;

/** The manifest of a bundle, changed by `edit`. */
function edited({manifest}: Draft, edit: (root: Json) => unknown): string {
	const root = structuredClone(manifest) as unknown as Json;
	edit(root);
	return JSON.stringify(root);
}

test('the manifests of whole bundles are accepted', t => {
	const {name, parts} = parseManifest(JSON.stringify(adder().manifest));
	t.is(name, 'adder');
	t.deepEqual(parts, adder().manifest.parts);
	for (const storage of ['float32', 'float16', 'int8'] as const) {
		t.is(parseManifest(JSON.stringify(chatter({storage}).manifest)).states[0]?.storage, storage);
	}
});

test('what is no JSON is refused, with a hint', t => {
	t.throws(() => parseManifest('<!doctype html>'), {instanceOf: SnugError, message: /manifest\.json: no JSON.*instead of a bundle/});
	for (const text of ['null', '[]', '1', '"a"', '{}']) {
		t.throws(() => parseManifest(text), {instanceOf: SnugError}, text);
	}
});

test('a newer format or an unknown feature asks for a newer loader', t => {
	for (const edit of [(root: Json) => (root['format'] = (FORMAT + 1) as Json), (root: Json) => (root['features'] = ['holograms'] as unknown as Json)]) {
		const error = t.throws(() => parseManifest(edited(adder(), edit)), {instanceOf: SnugError});
		t.is(error.code, 'newer-bundle');
		t.regex(error.message, /needs a newer loader.*snug\.js/);
	}
});

test('an older format asks to compile again', t => {
	const error = t.throws(() => parseManifest(edited(adder(), root => (root['format'] = (OLDEST_FORMAT - 1) as Json))), {instanceOf: SnugError});
	t.is(error.code, 'older-bundle');
	t.regex(error.message, /older than this loader reads.*compile the model again/);
});

const names = [
	'../other.bin',
	'/etc/passwd',
	'http://elsewhere/x',
	'//elsewhere/x',
	'a/../../b',
	'a\\b',
	'data:,x',
	'.hidden',
	'a//b',
	'a%2f..',
	'a?b',
	'',
	'a b',
	'./x',
	'x/',
];

for (const name of names) {
	test(`the file name '${name}' is refused`, t => {
		const places: ReadonlyArray<readonly [RegExp, (root: Json) => void]> = [
			[/chunks\[1\]\.file/, root => (root['chunks'][1]['file'] = name as Json)],
			[/programs\.plain\.file/, root => (root['programs']['plain']['file'] = name as Json)],
			[/text\.module\.file/, root => (root['text'] = {module: {file: name, bytes: 1, sha256: 'a'.repeat(64)}} as unknown as Json)],
		];
		for (const [message, edit] of places) {
			t.throws(() => parseManifest(edited(adder(), edit)), {instanceOf: SnugError, message});
		}
	});
}

type Case = readonly [title: string, message: RegExp, edit: (root: Json) => unknown, draft?: Draft];
const set =
	(path: string, value: unknown) =>
	(root: Json): void => {
		const keys = path.split('.');
		const last = keys.pop()!;
		const parent = keys.reduce<Json>((object, key) => object[key as keyof Json], root);
		// JSON leaves out what is undefined.
		(parent as {[key: string]: unknown})[last] = value;
	};

const cases: readonly Case[] = [
	['a format that is no number', /format: wrong value/, set('format', '1')],
	['no features', /features: wrong value: expected a list, found nothing/, set('features', undefined)],
	['a piece behind the end of its chunk', /parts\[0\]\.pieces\[1\]: ends behind its chunk: expected at most 12, found 16/, set('parts.0.pieces.1.offset', 8)],
	['a piece of a chunk that does not exist', /pieces\[0\]\.chunk: no such chunk: expected 0 to 1, found 7/, set('parts.0.pieces.0.chunk', 7)],
	['a piece at a negative offset', /pieces\[0\]\.offset: wrong value/, set('parts.0.pieces.0.offset', -4)],
	['a piece at half a byte', /pieces\[0\]\.offset: wrong value/, set('parts.0.pieces.0.offset', 0.5)],
	[
		'pieces that overlap',
		/pieces\[1\]: overlaps parts\[0\]\.pieces\[0\]/,
		set('parts.0.pieces', [
			{chunk: 1, offset: 0, bytes: 8},
			{chunk: 1, offset: 4, bytes: 8},
		]),
	],
	['pieces that do not make the part', /parts\[0\]\.pieces: do not make the part: expected 20 bytes, found 16/, set('parts.0.bytes', 20)],
	['a chunk of 5 MiB', /chunks\[0\]\.bytes: wrong value: expected an integer from 1 to 4194304/, set('chunks.0.bytes', 5 * 1024 * 1024)],
	['a hash that is none', /chunks\[0\]\.sha256: not a SHA-256/, set('chunks.0.sha256', 'abc')],
	[
		'a part behind the memory',
		/placement\[0\]: ends behind the memory of levels\[0\]: expected at most 65536, found 65552/,
		set('levels.0.placement.0', 65_536),
	],
	['a part at an odd address', /placement\[0\]: not aligned: expected a multiple of 256, found 513/, set('levels.0.placement.0', 513)],
	['a part over the table', /overlaps/, set('levels.0.placement.0', 256)],
	['a part over an input', /inputs\[0\]: overlaps levels\[0\]\.placement\[0\]/, set('levels.0.placement.0', 1024)],
	['too few placements', /placement: not one address a part/, set('levels.0.placement', [])],
	['a part whose chunk is not fetched', /chunks: part 0 is placed and its chunk 1 is not fetched/, set('levels.0.chunks', [0])],
	['a chunk that is fetched twice', /levels\[0\]\.chunks/, set('levels.0.chunks', [0, 1, 1])],
	['a chunk that is fetched and does not exist', /levels\[0\]\.chunks/, set('levels.0.chunks', [0, 1, 2])],
	['no level', /levels: none/, set('levels', [])],
	['a memory of half a page', /levels\[0\]\.memory: wrong value/, set('levels.0.memory', 32_768)],
	[
		'a memory of one and a half pages',
		/levels\[0\]\.memory: no whole number of pages/,
		root => {
			set('levels.0.memory', 98_304)(root);
			set('levels.0.bytes', 100_000)(root);
		},
	],
	['a memory above 4 GiB', /levels\[0\]\.memory: wrong value/, set('levels.0.memory', 2 ** 33)],
	['a level smaller than its memory', /levels\[0\]\.bytes: wrong value/, set('levels.0.bytes', 60_000)],
	['a table longer than its place', /levels\[0\]\.table: longer than the table/, set('levels.0.table', [1, 2])],
	['a table behind the memory', /table: ends behind the memory/, set('table.address', 65_536)],
	['a table word that is no integer', /levels\[0\]\.table\[0\]: wrong value/, set('levels.0.table.0', 'x')],
	['an input behind the memory', /inputs\[0\]: ends behind the memory/, set('inputs.0.address', 65_408 + 64)],
	['an input at an odd address', /inputs\[0\]\.address: not aligned/, set('inputs.0.address', 1025)],
	['an input that its place does not hold', /inputs\[0\]\.bytes: too few for the largest shape: expected 128, found 64/, set('inputs.0.bytes', 64)],
	['an input of an unknown type', /inputs\[0\]\.dtype: wrong value: expected one of float32/, set('inputs.0.dtype', 'int4')],
	['an input with a symbol without bounds', /inputs\[0\]\.shape\[0\]: a symbol without bounds: found 'm'/, set('inputs.0.shape.0', {m: 1})],
	['a symbol named as a property of all objects', /inputs\[0\]\.shape\[0\]/, set('inputs.0.shape.0', {constructor: 1})],
	['an input named as a property of all objects', /inputs\[0\]\.name: wrong value/, set('inputs.0.name', 'toString')],
	['two outputs of one name', /outputs: a name twice: found 'y'/, root => (root['outputs'] = [root['outputs'][0], root['outputs'][0]] as unknown as Json)],
	['an output behind the memory', /outputs\[0\]: ends behind the memory/, set('outputs.0.address', 65_532)],
	['an output that lies nowhere', /outputs\[0\]\.address: nowhere/, set('outputs.0.address', -1)],
	['no entry run', /entries: not all that the loader calls: expected run/, set('entries', {})],
	['an entry with a symbol without bounds', /entries\.run\.symbols: a symbol without bounds: found 'q'/, set('entries.run.symbols', ['q'])],
	['bounds in the wrong order', /symbols\.n\.max: wrong value/, set('symbols.n', {min: 3, max: 2})],
	['a state behind the memory', /states\[0\]: ends behind the memory/, set('states.0.address', 65_504), chatter()],
	['a state over an input', /overlaps/, set('states.0.address', 2048), chatter()],
	['a state that its place does not hold', /states\[0\]\.bytes: too few/, set('states.0.bytes', 8), chatter()],
	['a state with fewer positions than the model', /states\[0\]\.positions: fewer than the model has/, set('states.0.positions', 32), chatter()],
	['a state whose heads do not fit its shape', /states\[0\]\.shape: does not fit heads and width/, set('states.0.shape', [1, 2, {past: 1}, 1]), chatter()],
	['an int8 state without scales', /states\[0\]\.scales: wrong value/, set('states.0.scales', undefined), chatter({storage: 'int8'})],
	['int8 scales over the values', /states\[0\]\.scales: overlaps states\[0\]/, set('states.0.scales', 8192), chatter({storage: 'int8'})],
	['states without positions', /positions|entries/, set('positions', 0), chatter()],
	['a model with state and no symbol past', /past/, set('symbols.past', undefined), chatter()],
	['no entry decode', /entries: not all that the loader calls: expected prefill, decode, head/, set('entries.decode', undefined), chatter()],
	['a sliced output that does not exist', /sliced\.output: no such output: found 'nothing'/, set('sliced.output', 'nothing'), chatter()],
	['logits that do not exist', /generation\.logits: no such output/, set('generation.logits', 'nothing'), chatter()],
	[
		'logits that are not as wide as the vocabulary',
		/generation\.logits: its last dimension is not the vocabulary: expected 300, found 256/,
		set('generation.vocabulary', 300),
		chatter(),
	],
	['a stop token outside the vocabulary', /generation\.eos\[0\]: wrong value/, set('generation.eos', [256]), chatter()],
	['a default that is no number', /generation\.defaults\.temperature: wrong value/, set('generation.defaults', {temperature: 'hot'}), chatter()],
	['a language model without tokens', /inputs: none has fill 'tokens'/, set('inputs.0.fill', undefined), chatter()],
	['a fill of an unknown kind', /inputs\[0\]\.fill: wrong value: expected one of tokens, ones, positions/, set('inputs.0.fill', 'twos'), chatter()],
];

for (const [title, message, edit, draft = adder()] of cases) {
	test(`a manifest with ${title} is refused`, t => {
		t.throws(() => parseManifest(edited(draft, edit)), {instanceOf: SnugError, message});
	});
}

test('a manifest without any one of its fields is refused or means the same', t => {
	for (const draft of [adder(), chatter()]) {
		for (const key of [
			'format',
			'features',
			'name',
			'programs',
			'chunks',
			'parts',
			'table',
			'levels',
			'entries',
			'symbols',
			'inputs',
			'outputs',
			'states',
			'positions',
		]) {
			t.throws(() => parseManifest(edited(draft, set(key, undefined))), {instanceOf: SnugError}, key);
			t.throws(() => parseManifest(edited(draft, set(key, null))), {instanceOf: SnugError}, key);
		}
	}
});

test('no damage to a single value makes the reader fail in another way', t => {
	const visit = (value: unknown, path: string): void => {
		for (const wrong of [null, -1, 1e300, 0.5, 'x', [], {}, true]) {
			if (path !== '') {
				try {
					parseManifest(edited(chatter({storage: 'int8'}), set(path, wrong)));
				} catch (error) {
					t.true(error instanceof SnugError, `${path} = ${JSON.stringify(wrong)}: ${String(error)}`);
				}
			}
		}

		if (typeof value === 'object' && value !== null) {
			for (const [key, item] of Object.entries(value)) {
				visit(item, path === '' ? key : `${path}.${key}`);
			}
		}
	};

	const {weights: _weights, report: _report, extra: _extra, ...read} = chatter({storage: 'int8'}).manifest;
	visit(read, '');
});
