/** A bundle's weights, decoded by `codec.decode`, on the f32 kernels: the reference of the encoded kernels. */
import {mkdtempSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {findWeights} from '../allocate/weights.js';
import {encodingOf} from '../allocate/encoding.js';
import {build} from '../build.js';
import {writeFolder} from '../bundle/folder.js';
import type {Manifest} from '../bundle/format.js';
import {readGraph, type GraphFile} from '../bundle/graph-file.js';
import {readManifest} from '../bundle/read.js';
import type {TextSource} from '../bundle/text.js';
import {writeBundle} from '../bundle/write.js';
import {codecs} from '../codecs/index.js';
import {SnugError} from '../error.js';
import {view} from '../graph/dtype.js';
import {sizeOf, type Constant} from '../graph/tensor.js';
import {encodeAhead} from '../jobs/encode.js';
import {openPool} from '../jobs/pool.js';
import {inferTypes} from '../passes/infer-types.js';

/** Writes the reference of `bundle` to a new temporary folder and answers it; the caller removes it. */
export async function referenceBundle(bundle: string): Promise<string> {
	const manifest = readManifest(bundle);
	const file = manifest.extra['graph'];
	if (!file) {
		throw new SnugError('no-graph', {subject: `bundle ${bundle}`, problem: 'it carries no graph', hint: 'compile the model again'});
	}

	const byName = new Map(manifest.weights.map(weight => [weight.name, weight]));
	const parts = new Map(manifest.parts.map((part, index) => [part.name, index]));
	const canonical = new Map(manifest.weights.flatMap(({name, uses}) => uses.map(use => [use, name] as const)));
	const json = JSON.parse(readFileSync(path.join(bundle, file.file), 'utf8')) as GraphFile;
	const decoded = new Map<string, Constant>();
	const graph = readGraph(json, (name, {dtype, dims}) => {
		const weight = byName.get(canonical.get(name) ?? name);
		if (!weight) {
			const part = parts.get(`constant:${name}`)!;
			const data = view(dtype, readPart(bundle, manifest, part)).subarray(0, sizeOf(dims));
			return {dtype, dims, read: () => data};
		}

		const found = decoded.get(weight.name) ?? {dtype, dims, identity: weight.name, read: () => decode(bundle, manifest, weight)};
		decoded.set(weight.name, found);
		return found;
	});
	const typed = inferTypes(graph);
	const weights = findWeights(typed.graph);
	const dense = {codec: 'dense', parameters: {dtype: 'float32'}};
	const positions = manifest.positions;
	const built = await build(
		typed,
		encodingOf(
			weights,
			weights.map(() => dense),
		),
		{cachePrecision: manifest.states[0]?.storage ?? 'float32', positions},
	);
	const output = path.join(mkdtempSync(path.join(tmpdir(), 'snug-reference-')), manifest.name);
	const {generation} = manifest;
	await writeFolder(output, async directory =>
		writeBundle(directory, {
			name: manifest.name,
			generator: manifest.generator,
			graph: typed.graph,
			weights,
			partsOf: encodeAhead(built.program.weights, weights, {pool: openPool(1)}),
			built,
			budget: built.total,
			positions,
			config: {eos: generation?.eos ?? [], defaults: generation?.defaults ?? {}, ...(generation?.bos === undefined ? {} : {bos: generation.bos})},
			text: textOf(bundle, manifest),
		}),
	);
	return output;
}

function textOf(directory: string, {text}: Manifest): TextSource | undefined {
	return (
		text && {
			directory,
			tokenizer: text.tokenizer.file,
			...(text.config ? {config: text.config.file} : {}),
			...(text.template ? {template: text.template.file} : {}),
		}
	);
}

function readPart(bundle: string, {parts, chunks}: Manifest, index: number): Uint8Array {
	const {bytes, pieces} = parts[index]!;
	const out = new Uint8Array(bytes);
	let at = 0;
	for (const piece of pieces) {
		const chunk = readFileSync(path.join(bundle, chunks[piece.chunk]!.file));
		out.set(chunk.subarray(piece.offset, piece.offset + piece.bytes), at);
		at += piece.bytes;
	}

	return out;
}

function decode(bundle: string, manifest: Manifest, {rows, columns, terms}: Manifest['weights'][number]): Float32Array {
	const sum = new Float32Array(rows * columns);
	for (const {codec, parameters, parts} of terms) {
		const values = codecs.get(codec)!.decode(
			parts.map(part => readPart(bundle, manifest, part)),
			{rows, columns},
			parameters,
			0,
			rows,
		);
		for (let i = 0; i < sum.length; i++) {
			sum[i]! += values[i]!;
		}
	}

	return sum;
}
