/** Matrix products, convolution and pooling against the ONNX backend cases: the meaning, and the kernels. */
import test from 'ava';
import {linearOps} from '../../compiler/ops/linear/index.js';
import {quantizationOps} from '../../compiler/ops/quantization/index.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, inferNode, lowerNode} from '../helpers/lower-node.js';
import {available, casesOf, loadCase} from '../helpers/node-cases.js';
import {nodeOfCase} from '../helpers/proto-node.js';

for (const op of [...linearOps, ...quantizationOps]) {
	if (!available) {
		test.skip(`${op.name}: the ONNX backend cases are not installed`, () => {});
		continue;
	}

	for (const name of casesOf(op.name).filter(name => !name.endsWith('_expanded'))) {
		const {path, inputs: feeds, outputs} = loadCase(name);
		const {node, inputs} = nodeOfCase({path, inputs: feeds});
		const expected = node.outputs.map(output => outputs.get(output));
		test(`${op.name} infers, evaluates and runs ${name}`, t => {
			const inferred = inferNode(op, node, inputs);
			const evaluated = evaluateNode(op, node, inputs);
			const lowered = lowerNode(op, node, inputs);
			for (const [index, tensor] of expected.entries()) {
				if (tensor) {
					t.deepEqual({dtype: inferred[index]?.dtype, dims: inferred[index]?.shape}, {dtype: tensor.dtype, dims: tensor.dims});
					t.is(difference(evaluated[index], tensor), undefined, `evaluate, output ${index}`);
					t.is(difference(lowered[index], tensor), undefined, `lower, output ${index}`);
				}
			}
		});
	}
}
