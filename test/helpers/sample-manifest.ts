/** A small manifest with every kind of entry, for what reads manifests and no more: no files stand behind it. */
import {FORMAT, type Manifest} from '../../compiler/bundle/format.js';

const file = (name: string, bytes: number) => ({file: name, bytes, sha256: '0'.repeat(64)});

const part = (name: string, bytes: number, offset: number) => ({name, bytes, pieces: [{chunk: 0, offset, bytes}]});

const planes = (parts: readonly number[]) => ({codec: 'planes', parameters: {bits: 4, group: 64}, parts});

export const sampleManifest: Manifest = {
	format: FORMAT,
	features: [],
	name: 'sample',
	generator: 'snug 0.0.0',
	programs: {plain: file('program.wasm', 5000), relaxed: file('program-relaxed.wasm', 4000)},
	chunks: [file('chunks/a.bin', 1900)],
	parts: [part('a.codes', 500, 0), part('b.codes', 1000, 500), part('scales', 200, 1500), part('norm', 200, 1700)],
	table: {address: 1024, bytes: 64},
	levels: [{bytes: 70_000, memory: 65_536, chunks: [0], placement: [2048, 4096, 8192, 9216], table: []}],
	entries: {prefill: {symbols: ['sequence', 'past']}, decode: {symbols: ['past']}},
	symbols: {sequence: {min: 1, max: 64}, past: {min: 0, max: 512}},
	inputs: [{name: 'input_ids', dtype: 'int64', shape: [1, {sequence: 1}], address: 0, bytes: 512, fill: 'tokens'}],
	outputs: [{name: 'logits', dtype: 'float32', shape: [1, {sequence: 1}, 10], address: 512, bytes: 40}],
	states: [
		{
			input: 'past_key_values.0.key',
			output: 'present.0.key',
			dtype: 'float32',
			shape: [1, 2, {past: 1}, 4],
			axis: 2,
			storage: 'float16',
			heads: 2,
			positions: 512,
			width: 4,
			address: 16_384,
			bytes: 8192,
		},
	],
	positions: 512,
	generation: {logits: 'logits', vocabulary: 10, sampling: {token: 30_000, options: 30_016, history: 30_064}, eos: [0], defaults: {}},
	extra: {},
	weights: [
		// The two share their scales: shared parts count once.
		{name: 'a', uses: ['a.weight'], rows: 10, columns: 100, terms: [planes([0, 2])]},
		{name: 'b', uses: ['b.weight'], rows: 20, columns: 100, terms: [planes([1, 2])]},
		{name: 'norm', uses: ['norm.weight'], rows: 1, columns: 100, terms: [{codec: 'dense', parameters: {type: 'float16'}, parts: [3]}]},
	],
	report: {
		budget: 100_000,
		total: 70_000,
		bitsPerWeight: 4.9,
		weights: 1900,
		state: 8192,
		activations: 3000,
		program: 5000,
		other: 640,
		padding: 51_268,
		tokenizer: 2000,
	},
};
