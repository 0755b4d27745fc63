/** A bundle in which every weight has the same code, group size included: what `--bits` alone does not choose. */
import path from 'node:path';
import {findWeights} from '../../compiler/allocate/weights.js';
import {encodingOf} from '../../compiler/allocate/encoding.js';
import {build} from '../../compiler/build.js';
import {writeFolder} from '../../compiler/bundle/folder.js';
import {findText, readConfig} from '../../compiler/bundle/text.js';
import {writeBundle} from '../../compiler/bundle/write.js';
import {groupsFor} from '../../compiler/codecs/integer-groups.js';
import {encodeAhead} from '../../compiler/jobs/encode.js';
import {openPool} from '../../compiler/jobs/pool.js';
import {importBounded} from '../../compiler/bounds.js';
import {optimize} from '../../compiler/passes/optimize.js';

export type Code = {readonly codec: 'planes' | 'scalar'; readonly bits: number; readonly group: number};

/** Writes the bundle to `output`; weights that are too narrow for the group have the largest that fits. The cache is float32. */
export async function writeCodedBundle(model: string, output: string, {codec, bits, group}: Code): Promise<void> {
	const {graph, positions} = importBounded(model);
	const typed = optimize(graph);
	const weights = findWeights(typed.graph);
	const options = weights.map(weight => ({codec, parameters: {bits, group: Math.max(...groupsFor(weight).filter(size => size <= group))}}));
	const built = await build(typed, encodingOf(weights, options), {cachePrecision: 'float32', positions});
	await writeFolder(output, async directory =>
		writeBundle(directory, {
			name: 'coded',
			generator: 'test',
			graph: typed.graph,
			weights,
			partsOf: encodeAhead(built.program.weights, weights, {pool: openPool(1)}),
			built,
			budget: built.total,
			positions,
			config: readConfig(path.dirname(model)),
			text: findText(path.dirname(model)),
		}),
	);
}
