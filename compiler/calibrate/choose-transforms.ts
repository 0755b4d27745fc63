/**
 * Which of the transforms help a model: an orthogonal rotation spreads what stands out in weights, and spoils what is easy to encode in
 * them as it is. Weights are rounded to one coarse code, all at once, with and without, and the predictions say which loses less.
 */
import {findWeights, openWeight} from '../allocate/weights.js';
import {elementsOf} from '../codecs/codec.js';
import type {Cache} from '../jobs/cache.js';
import {letOthersRun} from '../jobs/pool.js';
import {withNewTeam, withTeam} from '../numeric/team.js';
import {transforms} from '../passes/index.js';
import {createGenerator} from '../numeric/random.js';
import type {TypedGraph} from '../passes/infer-types.js';
import {transform} from '../passes/optimize.js';
import type {CalibrateOptions} from './calibrate.js';
import {arithmeticFor} from './arithmetic.js';
import {floatModel} from './float-program.js';
import {identityOf, keptRoundedLosses} from './kept.js';
import {createRunner, divergenceFrom, type Prediction} from './predictor.js';
import {probed} from './probe.js';
import {boundsFor, shorten, symbolsOf, type RunInputs} from './run-inputs.js';

/** Runs, and the tokens of each, at most: enough to tell which loses clearly less; where neither does, either will do. */
const [RUNS, TOKENS] = [2, 256];

/** Elements of the weights that are rounded, about; of a large model, some weights stand for all. */
const ELEMENTS = 1 << 25;

/** @param positions That states hold. @returns names, for `transform`. */
export async function chooseTransforms(
	typed: TypedGraph,
	positions: number,
	windows: readonly RunInputs[],
	cache: Cache | undefined,
	options: CalibrateOptions,
): Promise<readonly string[]> {
	const chosen: string[] = [];
	for (const {name, mayHurt} of transforms) {
		if (!mayHurt) {
			chosen.push(name);
			continue;
		}

		const changed = transform(typed, [name]);
		if (changed.graph === typed.graph) {
			continue;
		}

		const measure = async (): Promise<number[]> => {
			const rounded = chooseWeights(typed);
			const without = await roundedLoss(typed, rounded, positions, windows, options);
			return [without, await roundedLoss(changed, rounded, positions, windows, options)];
		};

		const losses = cache ? await keptRoundedLosses(cache, identityOf(typed.graph, typed.graph, windows), name, measure) : await measure();
		const [without, turned] = losses as [number, number];
		if (Number.isFinite(turned) && !(turned >= without)) {
			chosen.push(name);
		}
	}

	return chosen;
}

/** Names of weights, as many as ELEMENTS allows, drawn so that no pattern of layers shows in them. */
function chooseWeights({graph}: TypedGraph): ReadonlySet<string> {
	const weights = findWeights(graph);
	const share = ELEMENTS / elementsOf(weights);
	const random = createGenerator(1);
	return new Set(weights.filter(() => random() < share).map(({name}) => name));
}

/** How far predictions move with these weights rounded, without feedback, which needs statistics. */
async function roundedLoss(
	typed: TypedGraph,
	rounded: ReadonlySet<string>,
	positions: number,
	windows: readonly RunInputs[],
	{signal, onProgress}: CalibrateOptions,
): Promise<number> {
	const weights = findWeights(typed.graph);
	const model = floatModel(typed, weights, positions, {arithmetic: arithmeticFor(weights)});
	const runs = windows.slice(0, RUNS).map(inputs => (model.whole ? inputs : shorten(inputs, TOKENS)));
	const float = model.program(boundsFor(runs[0]!));
	return withNewTeam(model.threads, async team => {
		const machine = await float.open();
		try {
			const predict = createRunner(float, machine, symbolsOf(runs[0]!));
			const run = (inputs: RunInputs): Prediction => {
				signal?.throwIfAborted();
				return predict(inputs);
			};

			const references = runs.map(run);
			for (const [index, weight] of weights.entries()) {
				signal?.throwIfAborted();
				onProgress?.(index, weights.length);
				if (rounded.has(weight.name)) {
					withTeam(team, () => {
						float.setValues(machine, weight, probed(openWeight(weight)));
					});
					await letOthersRun();
				}
			}

			return references.reduce((sum, reference, index) => sum + divergenceFrom(reference, float.program.sliced !== undefined)(run(runs[index]!)), 0);
		} finally {
			machine.close();
		}
	});
}
