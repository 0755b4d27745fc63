/** Writes a bundle's files into a folder: weights encoded one at a time into chunks, programs, loader, tokenizer, manifest last. */
import {copyFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {GraphWeight} from '../allocate/weights.js';
import {reportBytes, type Built} from '../build.js';
import type {Graph} from '../graph/graph.js';
import {partName} from '../plan/memory.js';
import {SAMPLING} from '../plan/sampling.js';
import type {Port, StateBuffer} from '../plan/program.js';
import {createChunkWriter, writeHashed, writeNamed} from './chunks.js';
import {dimEntry} from './dim-entry.js';
import {FILLS} from './fills.js';
import {FORMAT, type Manifest, type PortEntry, type StateEntry} from './format.js';
import {writeGraph} from './graph-file.js';
import type {PartsOf} from '../jobs/encode.js';
import {loaderFile} from '../built-files.js';
import {writeText, type Config, type TextSource} from './text.js';

export type BundleInput = {
	readonly name: string;
	readonly generator: string;
	readonly graph: Graph;
	readonly weights: readonly GraphWeight[];
	readonly partsOf: PartsOf;
	readonly built: Built;
	readonly budget: number;
	readonly positions: number;
	readonly config: Config;
	/** Where the tokenizer's files lie; undefined for a model without. */
	readonly text: TextSource | undefined;
	/** A page about the bundle, if any. */
	readonly report?: string;
	readonly signal?: AbortSignal;
	onProgress?(done: number, total: number): void;
};

export async function writeBundle(directory: string, input: BundleInput): Promise<Manifest> {
	const {built, graph, weights, budget, positions} = input;
	const {program, plan, modules} = built;
	const writer = createChunkWriter(directory);
	const placement: number[] = [];
	const constants = new Set<string>();
	for (const [buffer, constant] of program.constants) {
		const data = constant.read();
		writer.add(buffer, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
		placement.push(plan.fixed.get(buffer)!.address);
		constants.add(buffer.slice('constant:'.length));
	}

	const table = new Array<number>(plan.table.bytes / 4).fill(0);
	const entries: Array<Manifest['weights'][number]> = [];
	for (const [index, row] of program.weights.entries()) {
		input.signal?.throwIfAborted();
		input.onProgress?.(index, program.weights.length);
		const source = weights.find(({name}) => name === row.name)!;
		const encoded = await input.partsOf(row.name);
		const terms = row.terms.map((term, at) => {
			const start = plan.table.rows.get(row.name)![at]! / 4;
			table[start - 2] = at === 0 ? row.terms.length : table[start - 2]!;
			return {
				codec: term.codec,
				parameters: term.parameters,
				parts: term.parts.map((part, i) => {
					const name = partName(row.name, part.name);
					const {address} = plan.parts.get(name)!;
					table[start + i] = address;
					placement.push(address);
					return writer.add(name, encoded[at]![i]!);
				}),
			};
		});
		entries.push({name: row.name, uses: source.uses, rows: row.rows, columns: row.columns, terms});
	}

	const {chunks, parts} = writer.finish();
	const programs = {plain: writeHashed(directory, 'plain.wasm', modules.plain), relaxed: writeHashed(directory, 'relaxed.wasm', modules.relaxed)};
	const written = input.text && writeText(input.text, directory);
	const elsewhere = new Set([...constants, ...weights.flatMap(({uses}) => uses)]);
	const graphFile = writeHashed(directory, 'graph.json', new TextEncoder().encode(JSON.stringify(writeGraph(graph, elsewhere))));
	const report = input.report === undefined ? {} : {report: writeNamed(directory, 'report.html', new TextEncoder().encode(input.report))};
	const bytes = reportBytes(built);
	const port = (entry: Port): PortEntry => portEntry(entry, built);
	const logits = program.sliced === undefined ? undefined : program.outputs.find(({name}) => name === program.sliced);
	const manifest: Manifest = {
		format: FORMAT,
		features: [],
		name: input.name,
		generator: input.generator,
		programs,
		chunks,
		parts,
		table: {address: plan.table.address, bytes: plan.table.bytes},
		levels: [{bytes: built.total, memory: plan.memory, chunks: chunks.map((_, index) => index), placement, table}],
		entries: Object.fromEntries(program.entries.map(({name, symbols}) => [name, {symbols}])),
		symbols: program.symbols,
		inputs: program.inputs.map(port),
		outputs: program.outputs.map(port),
		...(program.threads === 1 ? {} : {threads: {most: program.threads, barrier: plan.barrier.address}}),
		...(program.sliced === undefined ? {} : {sliced: {output: program.sliced}}),
		states: program.states.map(state => stateEntry(state, graph, built)),
		positions: program.states.length > 0 ? positions : 0,
		...(logits ? {generation: {logits: logits.name, vocabulary: logits.shape.at(-1) as number, sampling: samplingPlaces(built), ...input.config}} : {}),
		...(written ? {text: written.text} : {}),
		extra: {graph: graphFile, ...report},
		weights: entries,
		report: {budget, ...bytes, bitsPerWeight: bitsPerWeight(built), tokenizer: written?.bytes ?? 0},
	};
	copyFileSync(loaderFile('snug.js'), path.join(directory, 'snug.js'));
	writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
	return manifest;
}

/** 8 × the bytes of all encoded weights as they lie in memory over the number of weights. */
export function bitsPerWeight({program, plan}: Built): number {
	const bytes = [...plan.parts.values()].reduce((sum, part) => sum + part.bytes, 0);
	const count = program.weights.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
	return count === 0 ? 0 : (8 * bytes) / count;
}

function samplingPlaces({plan}: Built): NonNullable<Manifest['generation']>['sampling'] {
	const address = (buffer: string): number => plan.fixed.get(buffer)!.address;
	return {token: address(SAMPLING.token), options: address(SAMPLING.options), history: address(SAMPLING.history)};
}

function portEntry({name, dtype, shape, buffer, rows}: Port, {plan}: Built): PortEntry {
	const place = buffer === undefined ? {address: -1, bytes: 0} : plan.fixed.get(buffer)!;
	const fill = FILLS[name];
	return {name, dtype, shape: shape.map(dimEntry), address: place.address, bytes: place.bytes, ...(fill ? {fill} : {}), ...(rows === undefined ? {} : {rows})};
}

function stateEntry(state: StateBuffer, graph: Graph, {plan}: Built): StateEntry {
	const {dtype, shape} = graph.types.get(state.input)!;
	const {input, output, axis, storage, heads, positions, width, buffer, scales} = state;
	const {address, bytes} = plan.fixed.get(buffer)!;
	return {
		input,
		output,
		dtype,
		shape: shape.map(dimEntry),
		axis,
		storage,
		heads,
		positions,
		width,
		address,
		bytes,
		...(scales === undefined ? {} : {scales: plan.fixed.get(scales)!.address}),
	};
}
