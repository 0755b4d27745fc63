/** GridSample in all its modes against ONNX Runtime; more axes, other types and wild positions: the meaning against the kernels. */
import test from 'ava';
import {float32, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {ops} from '../../compiler/ops/index.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode} from '../helpers/lower-node.js';
import {randomNumbers, runOracle} from '../helpers/oracle.js';

const gridSample = ops.get('GridSample')!;
const tolerance = {rtol: 1e-4, atol: 2e-5};
const random = (dims: readonly number[], seed: number, scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), seed, scale));

for (const padding of ['zeros', 'border', 'reflection']) {
	for (const corners of [0, 1]) {
		for (const [image, positions, modes] of [
			[
				[5, 7],
				[4, 9],
				['bilinear', 'nearest', 'bicubic'],
			],
			[
				[3, 4, 5],
				[2, 3, 6],
				['linear', 'nearest'],
			],
		] as const) {
			for (const mode of modes) {
				test(`${mode} over ${image.length} axes with ${padding} and align_corners ${corners} agrees with ONNX Runtime`, async t => {
					const inputs = [random([2, 3, ...image], 71), random([2, ...positions, image.length], 72, 0.9)];
					const attributes = {mode, padding_mode: padding, align_corners: corners};
					const rank = image.length + 2;
					const [expected] = await runOracle({op: 'GridSample', opset: rank === 4 ? 16 : 20, inputs, attributes, outputs: [['float32', rank]]});
					const node = makeNode('GridSample', inputs, attributes);
					t.is(difference(evaluateNode(gridSample, node, inputs)[0], expected!, tolerance), undefined, 'evaluate');
					t.is(difference(lowerNode(gridSample, node, inputs)[0], expected!, tolerance), undefined, 'lower');
				});
			}
		}

		for (const [image, mode] of [
			[[6], 'linear'],
			[[6], 'cubic'],
			[[3, 4, 5], 'cubic'],
			[[1, 4], 'linear'],
			[[4, 1, 1], 'nearest'],
		] as const) {
			test(`the kernels agree with the meaning: ${mode} over [${image.join(', ')}] with ${padding} and align_corners ${corners}`, t => {
				const inputs = [random([2, 2, ...image], 73), random([2, ...image.map(() => 3), image.length], 74, 3)];
				const node = makeNode('GridSample', inputs, {mode, padding_mode: padding, align_corners: corners});
				t.is(difference(lowerNode(gridSample, node, inputs)[0], evaluateNode(gridSample, node, inputs)[0]!, tolerance), undefined);
			});
		}

		test(`positions that are no numbers or far away read inside the image with ${padding} and align_corners ${corners}`, t => {
			const grid = float32([1, 1, 6, 2], [Number.NaN, 0, Infinity, 0, 0, -Infinity, 1e30, -1e30, 3e9, 0, -7e7, 5]);
			const inputs: Tensor[] = [{dtype: 'int64', dims: [1, 1, 2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n)}, grid];
			const node = makeNode('GridSample', inputs, {mode: 'nearest', padding_mode: padding, align_corners: corners});
			for (const element of lowerNode(gridSample, node, inputs)[0]!.data) {
				t.true(element >= 0 && element <= 4, String(element));
			}
		});
	}
}

test('a grid of another batch or with another number of axes is refused, and so is interpolation of integers', t => {
	const image = random([2, 3, 5, 7], 75);
	for (const dims of [
		[1, 4, 4, 2],
		[2, 4, 4, 3],
		[2, 4, 2],
	]) {
		const inputs = [image, random(dims, 76)];
		t.throws(() => evaluateNode(gridSample, makeNode('GridSample', inputs), inputs), {message: /the grid does not fit the image/});
	}

	const inputs: Tensor[] = [{dtype: 'int32', dims: [1, 1, 2, 2], data: Int32Array.of(1, 2, 3, 4)}, random([1, 1, 1, 2], 77)];
	t.throws(() => evaluateNode(gridSample, makeNode('GridSample', inputs), inputs), {message: /cannot be interpolated/});
});
