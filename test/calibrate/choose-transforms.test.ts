/** Whether a rotation helps is measured, as the interpreter measures it. */
import test from 'ava';
import {findWeights, openWeight} from '../../compiler/allocate/weights.js';
import {chooseTransforms} from '../../compiler/calibrate/choose-transforms.js';
import {codecs} from '../../compiler/codecs/index.js';
import {openCache} from '../../compiler/jobs/cache.js';
import type {TypedGraph} from '../../compiler/passes/infer-types.js';
import {transform} from '../../compiler/passes/optimize.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {divergenceBetween, openTiny, POSITIONS, textOf, withConstants} from './tiny.js';

const windows = [3, 11, 17].map(seed => textOf(seed, 100));
const planes = codecs.get('planes')!;

/** The graph with all weights rounded as the choice rounds them. */
function rounded({graph}: TypedGraph): TypedGraph['graph'] {
	const changes = findWeights(graph)
		.filter(({constant}) => !constant.guarded)
		.flatMap(weight => {
			const parameters = {bits: 3, group: weight.columns < 64 ? 32 : 64};
			const values = planes.decode(planes.encode(openWeight(weight), parameters), weight, parameters, 0, weight.rows);
			return weight.uses.map(name => [name, values] as const);
		});
	return withConstants(graph, new Map(changes));
}

/** The tiny model with some elements of every row of its weights many times as large as the others. */
function withOutliers(typed: TypedGraph): TypedGraph {
	const changes = findWeights(typed.graph).flatMap(weight => {
		const values = openWeight(weight)
			.read(0, weight.rows)
			.map((value, index) => (index % weight.columns === 5 ? 12 * value : value));
		return weight.uses.map(name => [name, values] as const);
	});
	return {...typed, graph: withConstants(typed.graph, new Map(changes))};
}

for (const [title, prepare] of [
	['as it is', (typed: TypedGraph) => typed],
	['with columns that stand out', withOutliers],
] as const) {
	test(`the tiny model ${title} is rotated exactly if it then loses less`, async t => {
		const typed = prepare(openTiny(t, []));
		const losses = [typed, transform(typed, ['rotate-stream'])].map(each => divergenceBetween(windows.slice(0, 2), each.graph, rounded(each))) as [
			number,
			number,
		];
		t.log(losses.map(loss => loss.toFixed(4)).join(' without, with '));
		const cache = openCache(temporaryFolder(t));
		let steps = 0;
		const choose = async (): Promise<readonly string[]> => chooseTransforms(typed, POSITIONS, windows, cache, {onProgress: () => steps++});
		const names = await choose();
		t.is(names.includes('rotate-stream'), losses[1] < losses[0]);
		t.true(names.includes('band-tables'));
		const before = steps;
		t.deepEqual(await choose(), names);
		t.is(steps, before, 'what a cache has is measured again');
	});
}
