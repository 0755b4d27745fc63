/** The ONNX backend suite's cases of the layout ops: by `evaluate`, and by `lower` with the plain kernels. */
import test from 'ava';
import {tensor, type Tensor} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import {layoutOps} from '../../compiler/ops/layout/index.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, inferNode, lowerNode} from '../helpers/lower-node.js';
import {available, casesOf, loadCase} from '../helpers/node-cases.js';

/** Cases of several nodes belong to the tests of whole models. */
const names = available ? layoutOps.flatMap(({name}) => casesOf(name)).filter(name => !name.includes('_expanded')) : [];

for (const name of new Set(names)) {
	const {path, inputs, outputs} = loadCase(name);
	const graph = importModel(path);
	const [node, ...rest] = graph.nodes;
	const op = layoutOps.find(candidate => candidate.name === node?.op);
	if (!node || !op || rest.length > 0) {
		continue;
	}

	const tensors = node.inputs.map((input): Tensor | undefined => {
		const constant = graph.constants.get(input);
		return inputs.get(input) ?? (constant && tensor(constant));
	});

	test(`${name}: evaluate agrees`, t => {
		const made = evaluateNode(op, node, tensors);
		for (const [index, output] of node.outputs.entries()) {
			t.is(difference(made[index], outputs.get(output)!), undefined, output);
		}

		const inferred = inferNode(op, node, tensors);
		t.deepEqual(
			inferred.slice(0, node.outputs.length).map(({dtype, shape}) => ({dtype, shape})),
			made.slice(0, node.outputs.length).map(({dtype, dims}) => ({dtype, shape: dims})),
		);
		for (const [index, {value}] of inferred.entries()) {
			if (value) {
				t.deepEqual(value, Array.from(made[index]!.data as ArrayLike<number | bigint>, Number));
			}
		}
	});

	if (op.lower) {
		test(`${name}: the kernels agree`, t => {
			const made = lowerNode(op, node, tensors);
			for (const [index, output] of node.outputs.entries()) {
				t.is(difference(made[index], outputs.get(output)!), undefined, output);
			}
		});
	}
}

if (!available) {
	test('the backend suite is not installed', t => {
		t.pass('libonnx-testdata is not there: cases are skipped');
	});
}
