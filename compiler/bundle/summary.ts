/**
 * What a bundle holds, in figures: levels, bytes, weights by code, state and entries. Derived from the manifest alone.
 */
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import type {Manifest, Report, WeightEntry} from './format.js';

export type BundleSummary = {
	readonly name: string;
	readonly generator: string;
	readonly budget: number;
	readonly bytes: Omit<Report, 'budget' | 'bitsPerWeight'>;
	readonly bitsPerWeight: number;
	/** Bytes to fetch for each level, program included, beside the bytes that it holds. */
	readonly levels: ReadonlyArray<{readonly bytes: number; readonly memory: number; readonly download: number}>;
	/** Weights that are encoded alike at the last level, most bytes first. */
	readonly codes: readonly CodeSummary[];
	readonly states: ReadonlyArray<{readonly input: string; readonly storage: string; readonly positions: number; readonly bytes: number}>;
	readonly positions: number;
	readonly entries: Readonly<Record<string, readonly string[]>>;
	readonly inputs: readonly string[];
	readonly outputs: readonly string[];
};

export type CodeSummary = {
	/** The codecs of the terms with their parameters, as 'planes bits=4 group=64'. */
	readonly code: string;
	readonly weights: number;
	readonly elements: number;
	readonly bytes: number;
	readonly bitsPerWeight: number;
};

export function summarize(manifest: Manifest): BundleSummary {
	const {budget, bitsPerWeight, ...bytes} = manifest.report;
	const program = Math.max(manifest.programs.plain.bytes, manifest.programs.relaxed.bytes);
	return {
		name: manifest.name,
		generator: manifest.generator,
		budget,
		bytes,
		bitsPerWeight,
		levels: manifest.levels.map(level => ({
			bytes: level.bytes,
			memory: level.memory,
			download: level.chunks.reduce((sum, chunk) => sum + (manifest.chunks[chunk]?.bytes ?? 0), program),
		})),
		codes: summarizeCodes(manifest),
		states: manifest.states.map(({input, storage, positions, bytes: size}) => ({input, storage, positions, bytes: size})),
		positions: manifest.positions,
		entries: Object.fromEntries(Object.entries(manifest.entries).map(([name, {symbols}]) => [name, symbols])),
		inputs: manifest.inputs.map(({name}) => name),
		outputs: manifest.outputs.map(({name}) => name),
	};
}

/** 'planes bits=4 group=64' */
export const describeCode = ({codec, parameters}: Pick<WeightEntry['terms'][number], 'codec' | 'parameters'>): string =>
	[codec, ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)].join(' ');

function summarizeCodes(manifest: Manifest): CodeSummary[] {
	const placement = manifest.levels.at(-1)?.placement ?? [];
	const held = ({terms}: WeightEntry): WeightEntry['terms'] => terms.filter(({parts}) => parts.every(part => (placement[part] ?? -1) >= 0));
	const codes = new Map<string, {weights: number; elements: number; parts: Set<number>}>();
	for (const weight of manifest.weights) {
		const terms = held(weight);
		const code = terms.map(describeCode).join(' + ');
		const sum = codes.get(code) ?? {weights: 0, elements: 0, parts: new Set<number>()};
		sum.weights++;
		sum.elements += weight.rows * weight.columns;
		// A part that weights share, such as a codebook, counts once.
		for (const part of terms.flatMap(({parts}) => parts)) {
			sum.parts.add(part);
		}

		codes.set(code, sum);
	}

	return [...codes]
		.map(([code, {weights, elements, parts}]) => {
			const bytes = [...parts].reduce((sum, part) => sum + (manifest.parts[part]?.bytes ?? 0), 0);
			return {code, weights, elements, bytes, bitsPerWeight: (8 * bytes) / elements};
		})
		.sort((a, b) => b.bytes - a.bytes);
}

export function formatSummary(summary: BundleSummary): string {
	const {bytes, states} = summary;
	const sections = [
		`${summary.name}: ${formatSize(bytes.total)} of ${formatSize(summary.budget)}, ${summary.bitsPerWeight.toFixed(2)} bits per weight (${summary.generator})`,
		formatTable([
			['bytes', ''],
			...(['weights', 'state', 'activations', 'program', 'other', 'padding', 'total'] as const).map(row => [row, formatSize(bytes[row])]),
			['tokenizer (beside)', formatSize(bytes.tokenizer)],
		]),
		formatTable([
			['level', 'holds', 'memory', 'download'],
			...summary.levels.map((level, index) => [String(index), formatSize(level.bytes), formatSize(level.memory), formatSize(level.download)]),
		]),
		formatTable([
			['code', 'weights', 'elements', 'bytes', 'bits'],
			...summary.codes.map(({code, weights, elements, bytes: size, bitsPerWeight}) => [
				code,
				String(weights),
				String(elements),
				formatSize(size),
				bitsPerWeight.toFixed(2),
			]),
		]),
		states.length === 0
			? 'no state'
			: `state: ${states.length} tensors of ${summary.positions} positions in ${[...new Set(states.map(({storage}) => storage))].join(', ')}, ${formatSize(states.reduce((sum, state) => sum + state.bytes, 0))}`,
		`entries: ${Object.entries(summary.entries)
			.map(([name, symbols]) => `${name}(${symbols.join(', ')})`)
			.join(', ')}`,
		`inputs: ${summary.inputs.join(', ')}\noutputs: ${summary.outputs.join(', ')}`,
	];
	return sections.join('\n\n');
}
