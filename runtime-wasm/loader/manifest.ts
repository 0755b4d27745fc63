/**
 * Reads and checks `manifest.json`. A manifest comes from the network: whatever the rest of the loader takes from it is typed and
 * inside its bounds here, and anything else is an error that names the place. `layout.ts` checks where things lie.
 */
import {dtypes} from '../../compiler/graph/dtype.js';
import {SnugError} from '../../compiler/error.js';
import {
	ALIGNMENT,
	CHUNK_BYTES,
	FORMAT,
	OLDEST_FORMAT,
	PAGE,
	type DimEntry,
	type FileEntry,
	type LevelEntry,
	type Manifest,
	type PortEntry,
	type StateEntry,
} from '../../compiler/bundle/format.js';
import {each, entries, fields, integer, name, number, oneOf, refuse, text, type Fields} from './check.js';
import {checkLayout, stateBytes, storageBytes} from './layout.js';
import type {DataType} from './types.js';

/** What the loader reads of a manifest. */
export type Bundle = Omit<Manifest, 'weights' | 'report' | 'extra' | 'generator'>;

/** Features of the format that this loader knows. */
const known: ReadonlySet<string> = new Set<string>();

const memoryLimit = 65_536 * PAGE;
const dataTypes = Object.keys(dtypes) as DataType[];

export function parseManifest(json: string): Bundle {
	let value: unknown;
	try {
		value = JSON.parse(json);
	} catch (error) {
		refuse('', 'no JSON', {found: error instanceof Error ? error.message : String(error), hint: 'the address may lead to a page instead of a bundle'});
	}

	const root = fields(value, '');
	checkVersion(root);
	const bundle: Bundle = {
		format: FORMAT,
		features: [],
		name: text(root['name'], 'name'),
		programs: programs(root['programs']),
		chunks: each(root['chunks'], 'chunks', (item, path) => file(item, path, CHUNK_BYTES)),
		parts: each(root['parts'], 'parts', part),
		table: table(root['table']),
		levels: each(root['levels'], 'levels', level),
		entries: Object.fromEntries(
			entries(root['entries'], 'entries').map(([key, entry]) => [
				key,
				{symbols: each(fields(entry, `entries.${key}`)['symbols'], `entries.${key}.symbols`, name)},
			]),
		),
		symbols: Object.fromEntries(entries(root['symbols'], 'symbols').map(([key, bounds]) => [key, symbolBounds(bounds, `symbols.${key}`)])),
		inputs: each(root['inputs'], 'inputs', port),
		outputs: each(root['outputs'], 'outputs', port),
		states: each(root['states'], 'states', state),
		positions: integer(root['positions'], 'positions', 0, 2 ** 31),
		...optional('threads', root, (item, path) => ({
			most: integer(fields(item, path)['most'], `${path}.most`, 1, 1024),
			barrier: aligned(fields(item, path)['barrier'], `${path}.barrier`, 4),
		})),
		...optional('sliced', root, (item, path) => ({output: name(fields(item, path)['output'], `${path}.output`)})),
		...optional('generation', root, generation),
		...optional('text', root, textFiles),
	};
	checkLayout(bundle);
	return bundle;
}

function checkVersion(root: Fields): void {
	const format = integer(root['format'], 'format', 1, Number.MAX_SAFE_INTEGER);
	if (format < OLDEST_FORMAT) {
		throw new SnugError('older-bundle', {
			subject: 'manifest.json',
			problem: 'the bundle is older than this loader reads',
			expected: `format ${OLDEST_FORMAT} or later`,
			found: `format ${format}`,
			hint: "use the bundle's own snug.js, or compile the model again",
		});
	}

	const unknown = each(root['features'], 'features', text).filter(feature => !known.has(feature));
	if (format > FORMAT || unknown.length > 0) {
		throw new SnugError('newer-bundle', {
			subject: 'manifest.json',
			problem: 'the bundle needs a newer loader',
			expected: `format ${FORMAT} at most${known.size > 0 ? ` with features ${[...known].join(', ')}` : ' without further features'}`,
			found: `format ${format}${unknown.length > 0 ? `, features ${unknown.join(', ')}` : ''}`,
			hint: "use the bundle's own snug.js, or update the package snug",
		});
	}
}

const optional = <K extends string, T>(key: K, root: Fields, read: (item: unknown, path: string) => T): {[P in K]?: T} =>
	(root[key] === undefined ? {} : {[key]: read(root[key], key)}) as {[P in K]?: T};

/** A file beside the manifest: no scheme, no root, no way up. */
function file(value: unknown, path: string, limit: number): FileEntry {
	const entry = fields(value, path);
	const plain = text(entry['file'], `${path}.file`);
	if (plain.length > 200 || !/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(plain)) {
		refuse(`${path}.file`, 'not a plain name inside the bundle', {found: `'${plain.slice(0, 80)}'`});
	}

	const sha256 = text(entry['sha256'], `${path}.sha256`);
	if (!/^[\da-f]{64}$/.test(sha256)) {
		refuse(`${path}.sha256`, 'not a SHA-256 in hex', {found: `'${sha256.slice(0, 80)}'`});
	}

	return {file: plain, bytes: integer(entry['bytes'], `${path}.bytes`, 1, limit), sha256};
}

const programLimit = 64 * 1024 * 1024;

function programs(value: unknown): Manifest['programs'] {
	const entry = fields(value, 'programs');
	return {plain: file(entry['plain'], 'programs.plain', programLimit), relaxed: file(entry['relaxed'], 'programs.relaxed', programLimit)};
}

function part(value: unknown, path: string): Manifest['parts'][number] {
	const entry = fields(value, path);
	return {
		name: text(entry['name'], `${path}.name`),
		bytes: integer(entry['bytes'], `${path}.bytes`, 0, memoryLimit),
		pieces: each(entry['pieces'], `${path}.pieces`, (item, at) => {
			const piece = fields(item, at);
			return {
				chunk: integer(piece['chunk'], `${at}.chunk`, 0, 2 ** 31),
				offset: integer(piece['offset'], `${at}.offset`, 0, CHUNK_BYTES),
				bytes: integer(piece['bytes'], `${at}.bytes`, 1, CHUNK_BYTES),
			};
		}),
	};
}

function table(value: unknown): Manifest['table'] {
	const entry = fields(value, 'table');
	return {address: aligned(entry['address'], 'table.address', 4), bytes: integer(entry['bytes'], 'table.bytes', 0, memoryLimit)};
}

function aligned(value: unknown, path: string, alignment: number): number {
	const address = integer(value, path, 0, memoryLimit);
	return address % alignment === 0 ? address : refuse(path, 'not aligned', {expected: `a multiple of ${alignment}`, found: String(address)});
}

function level(value: unknown, path: string): LevelEntry {
	const entry = fields(value, path);
	const memory = integer(entry['memory'], `${path}.memory`, PAGE, memoryLimit);
	if (memory % PAGE !== 0) {
		refuse(`${path}.memory`, 'no whole number of pages', {expected: `a multiple of ${PAGE}`, found: String(memory)});
	}

	return {
		bytes: integer(entry['bytes'], `${path}.bytes`, memory, memoryLimit + programLimit),
		memory,
		chunks: each(entry['chunks'], `${path}.chunks`, (item, at) => integer(item, at, 0, 2 ** 31)),
		placement: each(entry['placement'], `${path}.placement`, (item, at) => (item === -1 ? -1 : aligned(item, at, ALIGNMENT))),
		table: each(entry['table'], `${path}.table`, (item, at) => integer(item, at, -(2 ** 31), 2 ** 32 - 1)),
	};
}

function symbolBounds(value: unknown, path: string): {min: number; max: number} {
	const entry = fields(value, path);
	const min = integer(entry['min'], `${path}.min`, 0, 2 ** 31 - 1);
	return {min, max: integer(entry['max'], `${path}.max`, min, 2 ** 31 - 1)};
}

function dimension(value: unknown, path: string): DimEntry {
	return typeof value === 'number'
		? integer(value, path, 0, 2 ** 31)
		: Object.fromEntries(
				Object.entries(fields(value, path)).map(([symbol, factor]) => [
					symbol === '' ? '' : name(symbol, path),
					integer(factor, `${path}.${symbol}`, -(2 ** 31), 2 ** 31),
				]),
			);
}

function port(value: unknown, path: string): PortEntry {
	const entry = fields(value, path);
	const dtype = oneOf(entry['dtype'], `${path}.dtype`, dataTypes);
	return {
		name: name(entry['name'], `${path}.name`),
		dtype,
		shape: each(entry['shape'], `${path}.shape`, dimension),
		address: entry['address'] === -1 ? -1 : aligned(entry['address'], `${path}.address`, dtypes[dtype].bytes),
		bytes: integer(entry['bytes'], `${path}.bytes`, 0, memoryLimit),
		...(entry['fill'] === undefined ? {} : {fill: oneOf(entry['fill'], `${path}.fill`, ['tokens', 'ones', 'positions'])}),
		...(entry['rows'] === undefined ? {} : {rows: integer(entry['rows'], `${path}.rows`, 0, 2 ** 31)}),
	};
}

function state(value: unknown, path: string): StateEntry {
	const entry = fields(value, path);
	const storage = oneOf(entry['storage'], `${path}.storage`, ['float32', 'float16', 'int8']);
	const shape = each(entry['shape'], `${path}.shape`, dimension);
	const size = (key: string): number => integer(entry[key], `${path}.${key}`, 1, 2 ** 31);
	const read: StateEntry = {
		input: name(entry['input'], `${path}.input`),
		output: name(entry['output'], `${path}.output`),
		dtype: oneOf(entry['dtype'], `${path}.dtype`, ['float32', 'float16']),
		shape,
		axis: integer(entry['axis'], `${path}.axis`, 0, shape.length - 1),
		storage,
		heads: size('heads'),
		positions: size('positions'),
		width: size('width'),
		address: aligned(entry['address'], `${path}.address`, storageBytes[storage]),
		bytes: integer(entry['bytes'], `${path}.bytes`, 1, memoryLimit),
		...(storage === 'int8' ? {scales: aligned(entry['scales'], `${path}.scales`, 4)} : {}),
	};
	const needed = stateBytes(read);
	return read.bytes >= needed
		? read
		: refuse(`${path}.bytes`, 'too few for its heads, positions and width', {expected: `${needed}`, found: String(read.bytes)});
}

function generation(value: unknown, path: string): NonNullable<Manifest['generation']> {
	const entry = fields(value, path);
	const vocabulary = integer(entry['vocabulary'], `${path}.vocabulary`, 1, 2 ** 31);
	const token = (item: unknown, at: string): number => integer(item, at, 0, vocabulary - 1);
	return {
		logits: name(entry['logits'], `${path}.logits`),
		vocabulary,
		sampling: sampling(entry['sampling'], `${path}.sampling`),
		eos: each(entry['eos'], `${path}.eos`, token),
		...(entry['bos'] === undefined ? {} : {bos: token(entry['bos'], `${path}.bos`)}),
		...(entry['context'] === undefined ? {} : {context: integer(entry['context'], `${path}.context`, 1, 2 ** 31)}),
		defaults: Object.fromEntries(entries(entry['defaults'], `${path}.defaults`).map(([key, item]) => [key, number(item, `${path}.defaults.${key}`)])),
	};
}

function sampling(value: unknown, path: string): NonNullable<Manifest['generation']>['sampling'] {
	const entry = fields(value, path);
	const read = (key: string): number => aligned(entry[key], `${path}.${key}`, 4);
	return {token: read('token'), options: read('options'), history: read('history')};
}

const textLimit = 256 * 1024 * 1024;

function textFiles(value: unknown, path: string): NonNullable<Manifest['text']> {
	const entry = fields(value, path);
	const read = (key: string): FileEntry => file(entry[key], `${path}.${key}`, textLimit);
	return {
		module: read('module'),
		tokenizer: read('tokenizer'),
		...(entry['config'] === undefined ? {} : {config: read('config')}),
		...(entry['template'] === undefined ? {} : {template: read('template')}),
	};
}
