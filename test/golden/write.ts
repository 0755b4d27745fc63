/** Writes the golden model with every codec, each weight's code chosen here and not by the allocator. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {findWeights} from '../../compiler/allocate/weights.js';
import {encodingOf} from '../../compiler/allocate/encoding.js';
import {build} from '../../compiler/build.js';
import type {Manifest} from '../../compiler/bundle/format.js';
import {writeBundle} from '../../compiler/bundle/write.js';
import type {Parameters} from '../../compiler/codecs/codec.js';
import {encodeAhead} from '../../compiler/jobs/encode.js';
import {openPool} from '../../compiler/jobs/pool.js';
import {importBounded} from '../../compiler/bounds.js';
import {optimize} from '../../compiler/passes/optimize.js';
import {tinyLanguageModel} from '../helpers/tiny-language-model.js';

type Code = {readonly codec: string; readonly parameters: Parameters};

const planes = (bits: number, group: number): Code => ({codec: 'planes', parameters: {bits, group}});
const scalar = (bits: number, group: number): Code => ({codec: 'scalar', parameters: {bits, group}});
const dense = (dtype: string): Code => ({codec: 'dense', parameters: {dtype}});
const levels = (name: string, group: number): Code => ({codec: 'nf4', parameters: {levels: name, bits: 4, group}});

/** In the order of the weights: the tied table; then, for each layer, queries with keys and values, the output, gate with up, down. */
export const codes: readonly Code[] = [
	scalar(8, 64),
	...[planes(2, 32), dense('float32'), scalar(4, 64), scalar(5, 32)],
	...[scalar(7, 32), dense('float16'), planes(3, 32), scalar(6, 64)],
	...[levels('nf4', 64), levels('fp4', 32), planes(3, 64), scalar(4, 32)],
];

export async function writeGolden(directory: string): Promise<Manifest> {
	const folder = mkdtempSync(path.join(tmpdir(), 'snug-golden-'));
	try {
		const file = path.join(folder, 'model.onnx');
		writeFileSync(file, tinyLanguageModel());
		const {graph, positions} = importBounded(file, {maxSequence: 64});
		const typed = optimize(graph);
		const weights = findWeights(typed.graph);
		if (weights.length !== codes.length) {
			throw new Error(`the model has ${weights.length} weights: there are codes for ${codes.length}`);
		}

		const built = await build(typed, encodingOf(weights, codes), {cachePrecision: 'int8', positions});
		return await writeBundle(directory, {
			name: 'golden',
			generator: 'snug golden',
			graph: typed.graph,
			weights,
			partsOf: encodeAhead(built.program.weights, weights, {pool: openPool(1)}),
			built,
			budget: built.total,
			positions,
			config: {eos: [], defaults: {}},
			text: undefined,
		});
	} finally {
		rmSync(folder, {recursive: true});
	}
}
