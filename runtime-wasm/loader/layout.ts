/**
 * Checks where a manifest puts things: pieces inside their chunks and without overlap, parts whole, everything inside the memory of
 * every level, and weights, table and state apart from each other and from the inputs. Takes typed fields from `manifest.ts`.
 */
import {dtypes} from '../../compiler/graph/dtype.js';
import {BARRIER_BYTES, SAMPLING_OPTIONS, type DimEntry, type LevelEntry, type PortEntry, type StateEntry} from '../../compiler/bundle/format.js';
import {refuse} from './check.js';
import type {Bundle} from './manifest.js';
import {usesSymbol, valueOf} from './shape.js';
import type {DataType} from './types.js';

type Range = {readonly path: string; readonly start: number; readonly end: number};

export function checkLayout(bundle: Bundle): void {
	checkPieces(bundle);
	if (bundle.levels.length === 0) {
		refuse('levels', 'none');
	}

	for (const [index, level] of bundle.levels.entries()) {
		checkLevel(bundle, level, `levels[${index}]`);
	}

	checkNames(bundle);
	checkEntries(bundle);
	checkGeneration(bundle);
	for (const [index, port] of bundle.inputs.entries()) {
		checkPort(bundle, port, `inputs[${index}]`);
	}

	for (const [index, port] of bundle.outputs.entries()) {
		if (port.address < 0) {
			refuse(`outputs[${index}].address`, 'nowhere');
		}

		checkPort(bundle, port, `outputs[${index}]`);
	}
}

export const storageBytes = {float32: 4, float16: 2, int8: 1} as const;

/** Bytes of the held values, scales apart. */
export const stateBytes = ({heads, positions, width, storage}: StateEntry): number => heads * positions * width * storageBytes[storage];

/** Raises an error when two ranges share a byte. */
function checkApart(ranges: readonly Range[]): void {
	const sorted = ranges.filter(({start, end}) => end > start).sort((a, b) => a.start - b.start);
	for (let index = 1; index < sorted.length; index++) {
		const before = sorted[index - 1]!;
		const range = sorted[index]!;
		if (range.start < before.end) {
			refuse(range.path, `overlaps ${before.path}`, {expected: `a start at or behind ${before.end}`, found: String(range.start)});
		}
	}
}

function checkPieces({parts, chunks}: Bundle): void {
	const ranges = chunks.map((): Range[] => []);
	for (const [index, part] of parts.entries()) {
		let sum = 0;
		for (const [at, {chunk, offset, bytes}] of part.pieces.entries()) {
			const path = `parts[${index}].pieces[${at}]`;
			const file = chunks[chunk] ?? refuse(`${path}.chunk`, 'no such chunk', {expected: `0 to ${chunks.length - 1}`, found: String(chunk)});
			if (offset + bytes > file.bytes) {
				refuse(path, 'ends behind its chunk', {expected: `at most ${file.bytes}`, found: String(offset + bytes)});
			}

			ranges[chunk]!.push({path, start: offset, end: offset + bytes});
			sum += bytes;
		}

		if (sum !== part.bytes) {
			refuse(`parts[${index}].pieces`, 'do not make the part', {expected: `${part.bytes} bytes`, found: String(sum)});
		}
	}

	ranges.forEach(checkApart);
}

function checkLevel(bundle: Bundle, level: LevelEntry, path: string): void {
	const {parts, chunks, table, threads, states, inputs, outputs, generation, positions} = bundle;
	if (level.placement.length !== parts.length) {
		refuse(`${path}.placement`, 'not one address a part', {expected: String(parts.length), found: String(level.placement.length)});
	}

	if (level.table.length * 4 > table.bytes) {
		refuse(`${path}.table`, 'longer than the table', {expected: `${table.bytes / 4} words at most`, found: String(level.table.length)});
	}

	const held = new Set(level.chunks);
	if (held.size !== level.chunks.length || level.chunks.some(chunk => chunk >= chunks.length)) {
		refuse(`${path}.chunks`, 'a chunk that does not exist or is named twice');
	}

	const ranges: Range[] = [{path: 'table', start: table.address, end: table.address + table.bytes}];
	if (threads) {
		ranges.push({path: 'threads.barrier', start: threads.barrier, end: threads.barrier + BARRIER_BYTES});
	}

	for (const [index, part] of parts.entries()) {
		const start = level.placement[index]!;
		if (start >= 0) {
			ranges.push({path: `${path}.placement[${index}]`, start, end: start + part.bytes});
			const missing = part.pieces.find(({chunk}) => !held.has(chunk));
			if (missing) {
				refuse(`${path}.chunks`, `part ${index} is placed and its chunk ${missing.chunk} is not fetched`);
			}
		}
	}

	for (const [index, state] of states.entries()) {
		const {address, heads, positions, scales} = state;
		ranges.push({path: `states[${index}]`, start: address, end: address + stateBytes(state)});
		if (scales !== undefined) {
			ranges.push({path: `states[${index}].scales`, start: scales, end: scales + heads * positions * 4});
		}
	}

	if (generation) {
		const {token, options, history} = generation.sampling;
		ranges.push({path: 'generation.sampling.token', start: token, end: token + 4});
		ranges.push({path: 'generation.sampling.options', start: options, end: options + 4 * SAMPLING_OPTIONS});
		ranges.push({path: 'generation.sampling.history', start: history, end: history + 4 * positions});
	}

	const write = (ports: readonly PortEntry[], key: string): Range[] =>
		ports.flatMap(({address, bytes}, index) => (address < 0 ? [] : [{path: `${key}[${index}]`, start: address, end: address + bytes}]));
	ranges.push(...write(inputs, 'inputs'));
	checkApart(ranges);
	for (const range of [...ranges, ...write(outputs, 'outputs')]) {
		if (range.end > level.memory) {
			refuse(range.path, `ends behind the memory of ${path}`, {expected: `at most ${level.memory}`, found: String(range.end)});
		}
	}
}

function checkNames({inputs, outputs, states}: Bundle): void {
	for (const [key, names] of [
		['inputs', [...inputs.map(port => port.name), ...states.map(state => state.input)]],
		['outputs', [...outputs.map(port => port.name), ...states.map(state => state.output)]],
	] as const) {
		const twice = names.find((name, index) => names.indexOf(name) !== index);
		if (twice !== undefined) {
			refuse(key, 'a name twice', {found: `'${twice}'`});
		}
	}
}

function checkEntries({entries, symbols, positions, states, sliced, generation}: Bundle): void {
	const needed = [...(positions > 0 ? ['prefill', 'decode'] : ['run']), ...(sliced ? ['head'] : []), ...(generation ? ['sample'] : [])];
	const missing = needed.filter(name => entries[name] === undefined);
	if (missing.length > 0) {
		refuse('entries', 'not all that the loader calls', {expected: needed.join(', '), found: Object.keys(entries).join(', ')});
	}

	for (const [name, {symbols: parameters}] of Object.entries(entries)) {
		const unknown = parameters.find(
			symbol => symbols[symbol] === undefined && !(name === 'head' && symbol === 'row') && !(name === 'sample' && symbol === 'count'),
		);
		if (unknown !== undefined) {
			refuse(`entries.${name}.symbols`, 'a symbol without bounds', {found: `'${unknown}'`});
		}
	}

	if (positions > 0 && (symbols['sequence'] === undefined || symbols['sequence'].max < 1 || symbols['past'] === undefined)) {
		refuse('symbols', 'a model with state needs sequence and past');
	}

	if (states.length > 0 && positions === 0) {
		refuse('positions', 'states without positions', {expected: 'at least 1', found: '0'});
	}

	for (const [index, state] of states.entries()) {
		if (state.positions < positions) {
			refuse(`states[${index}].positions`, 'fewer than the model has', {expected: String(positions), found: String(state.positions)});
		}

		const product = (dims: readonly DimEntry[]): number => dims.reduce<number>((sofar, dim) => sofar * (valueOf(dim, {batch: 1}) ?? 0), 1);
		const outer = product(state.shape.slice(0, state.axis));
		const inner = product(state.shape.slice(state.axis + 1));
		if (inner !== state.width || outer !== state.heads) {
			refuse(`states[${index}].shape`, 'does not fit heads and width', {
				expected: `${state.heads} heads and ${state.width} wide`,
				found: `${outer} and ${inner}`,
			});
		}
	}
}

/** The bytes of a port must hold its largest shape. A model with state sees at most `positions` in all. */
function checkPort({symbols, positions, sliced}: Bundle, {name, dtype, shape, address, bytes}: PortEntry, path: string): void {
	const largest = Object.fromEntries(Object.entries(symbols).map(([symbol, {max}]) => [symbol, max]));
	let elements = 1;
	for (const [axis, dim] of shape.entries()) {
		if (typeof dim !== 'number') {
			const unknown = Object.keys(dim).find(symbol => symbol !== '' && symbols[symbol] === undefined);
			if (unknown !== undefined) {
				refuse(`${path}.shape[${axis}]`, 'a symbol without bounds', {found: `'${unknown}'`});
			}
		}

		const row = sliced?.output === name && axis <= shape.length - 2;
		const both = positions > 0 && usesSymbol(dim, 'past') && usesSymbol(dim, 'sequence');
		elements *= row ? 1 : both ? positions : Math.max(0, valueOf(dim, largest)!);
	}

	const needed = elements * dtypes[dtype as DataType].bytes;
	if (address >= 0 && bytes < needed) {
		refuse(`${path}.bytes`, 'too few for the largest shape', {expected: String(needed), found: String(bytes)});
	}
}

function checkGeneration({generation, sliced, outputs, inputs}: Bundle): void {
	for (const [path, name] of [
		['generation.logits', generation?.logits],
		['sliced.output', sliced?.output],
	] as const) {
		if (name === undefined) {
			continue;
		}

		const port = outputs.find(output => output.name === name);
		if (port === undefined) {
			refuse(path, 'no such output', {found: `'${name}'`});
		}

		if (path === 'generation.logits' && port.shape.at(-1) !== generation?.vocabulary) {
			refuse(path, 'its last dimension is not the vocabulary', {expected: String(generation?.vocabulary), found: JSON.stringify(port.shape.at(-1))});
		}

		if (path === 'sliced.output' && port.shape.length < 2) {
			refuse(path, 'has no rows');
		}
	}

	if (generation && !inputs.some(({fill}) => fill === 'tokens')) {
		refuse('inputs', "none has fill 'tokens', and the model generates");
	}
}
