/** Who races: Snug's bundles and the peers' models, with what a page must fetch to run each. */
import {existsSync, readFileSync, statSync} from 'node:fs';
import path from 'node:path';
import {gzipSync} from 'node:zlib';
import {readManifest} from '../../../compiler/bundle/read.js';
import type {Engine} from './job.js';

export type Contender = {
	/** Such as 'snug 4 bits relaxed' and 'wllama Q8_0'; threads are apart. */
	readonly name: string;
	readonly threads: number;
	readonly engine: Engine;
	/** The model's files, without runtime and tokenizer. */
	readonly modelBytes: number;
	/** What else a page fetches, gzipped: scripts and WebAssembly, without tokenizer. */
	readonly runtimeBytes: number;
};

/** Where the page finds the folders. */
export const mounts = {peers: '/peers/', bundle: (bits: number): string => `/snug-${bits}/`} as const;

const zipped = (...files: readonly string[]): number => files.reduce((sum, file) => sum + gzipSync(readFileSync(file), {level: 9}).length, 0);

const sizes = (...files: readonly string[]): number => files.reduce((sum, file) => sum + statSync(file).size, 0);

export function snugContenders(bits: number, folder: string, threadCounts: readonly number[]): Contender[] {
	const manifest = readManifest(folder);
	const level = manifest.levels.at(-1)!;
	const modelBytes = level.chunks.reduce((sum, chunk) => sum + manifest.chunks[chunk]!.bytes, 0) + sizes(path.join(folder, 'manifest.json'));
	return threadCounts.flatMap(threads =>
		(['relaxed', 'plain'] as const).map(simd => ({
			name: `snug ${bits} bits ${simd}`,
			threads,
			engine: {kind: 'snug', folder: mounts.bundle(bits), simd} as const,
			modelBytes,
			runtimeBytes: zipped(path.join(folder, manifest.programs[simd].file), path.join(folder, 'snug.js')),
		})),
	);
}

export function peerContenders(folder: string, threadCounts: readonly number[], positions: number): Contender[] {
	const [ort, wllama] = ['node_modules/onnxruntime-web/dist', 'node_modules/@wllama/wllama/esm'] as const;
	const inside = (...names: readonly string[]): string[] => names.map(name => path.join(folder, name));
	const url = (name: string): string => mounts.peers + name;
	const ortModel = ['genai-int4/model.onnx', 'genai-int4/model.onnx.data'] as const;
	const ortRuntime = inside(`${ort}/ort.wasm.min.mjs`, `${ort}/ort-wasm-simd-threaded.mjs`, `${ort}/ort-wasm-simd-threaded.wasm`);
	const wllamaRuntime = inside(`${wllama}/index.min.js`, `${wllama}/wasm/wllama.wasm`);
	const [ortBytes, wllamaBytes] = [zipped(...ortRuntime), zipped(...wllamaRuntime)];
	const config = JSON.parse(readFileSync(path.join(folder, 'genai-int4/genai_config.json'), 'utf8')) as GenaiConfig;
	const {num_hidden_layers: layers, num_key_value_heads: heads, head_size: width} = config.model.decoder;
	return threadCounts.flatMap(threads => [
		{
			name: 'onnxruntime-web int4',
			threads,
			engine: {kind: 'onnxruntime-web', script: url(`${ort}/ort.wasm.min.mjs`), model: url(ortModel[0]), data: url(ortModel[1]), cache: {layers, heads, width}},
			modelBytes: sizes(...inside(...ortModel)),
			runtimeBytes: ortBytes,
		},
		...['Q8_0', 'Q4_1', 'Q4_0'].flatMap((form): Contender[] => {
			const file = `smollm2-${form}.gguf`;
			const engine = {kind: 'wllama', script: url(`${wllama}/index.min.js`), wasm: url(`${wllama}/wasm/wllama.wasm`), model: url(file), positions} as const;
			return existsSync(path.join(folder, file))
				? [{name: `wllama ${form}`, threads, engine, modelBytes: sizes(path.join(folder, file)), runtimeBytes: wllamaBytes}]
				: [];
		}),
	]);
}

type GenaiConfig = {readonly model: {readonly decoder: {readonly num_hidden_layers: number; readonly num_key_value_heads: number; readonly head_size: number}}};
