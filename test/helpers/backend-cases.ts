/** Declares tests for the ONNX backend suite's cases of some ops: by `evaluate`, and by `lower` with the plain kernels. */
import test from 'ava';
import type {DType} from '../../compiler/graph/dtype.js';
import {tensor, type Tensor} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import type {Op} from '../../compiler/ops/op.js';
import {difference} from './compare.js';
import {evaluateNode, inferNode, lowerNode} from './lower-node.js';
import {available, casesOf, loadCase} from './node-cases.js';

/** Cases that `unsupported` names must fail with a message that matches its pattern; `rtol` has tolerances of their own. */
export function testBackendCases(ops: readonly Op[], unsupported: Readonly<Record<string, RegExp>> = {}, rtol: Readonly<Record<string, number>> = {}): void {
	if (!available) {
		test('the backend suite is not installed', t => {
			t.pass('libonnx-testdata is not there: its cases are skipped');
		});
		return;
	}

	for (const name of new Set(ops.flatMap(op => casesOf(op.name)))) {
		if (name.includes('_expanded')) {
			continue;
		}

		const reason = unsupported[name];
		if (reason) {
			test(`${name}: is refused`, t => {
				t.throws(() => run(name, ops), {message: reason});
			});
			continue;
		}

		test(`${name}: evaluate and the kernels agree with the suite`, t => {
			const ran = run(name, ops);
			if (!ran) {
				t.pass('a model of several nodes: not a case of one op');
				return;
			}

			const {node, inputs, expected, op} = ran;
			const evaluated = evaluateNode(op, node, inputs);
			const inferred = inferNode(op, node, inputs);
			const tolerance = {rtol: rtol[name] ?? 1e-3};
			const lowered = op.lower && lowerNode(op, node, inputs);
			for (const [index, output] of node.outputs.entries()) {
				if (output === '') {
					continue;
				}

				const wanted = relabelled(expected.get(output)!, inferred[index]!.dtype);
				t.is(difference(evaluated[index], wanted, tolerance), undefined, `evaluate, ${output}`);
				t.deepEqual(
					{dtype: inferred[index]!.dtype, shape: inferred[index]!.shape},
					{dtype: evaluated[index]!.dtype, shape: evaluated[index]!.dims},
					`infer, ${output}`,
				);
				const {value} = inferred[index]!;
				if (value) {
					t.deepEqual(value, Array.from(evaluated[index]!.data as ArrayLike<number | bigint>, Number), `value, ${output}`);
				}

				if (lowered) {
					t.is(difference(lowered[index], wanted, tolerance), undefined, `kernels, ${output}`);
				}
			}
		});
	}
}

/** The suite's files hold bfloat16 as uint16. */
const relabelled = (tensor: Tensor, declared: DType | undefined): Tensor =>
	tensor.dtype === 'uint16' && declared === 'bfloat16' ? {...tensor, dtype: 'bfloat16'} : tensor;

function run(name: string, ops: readonly Op[]) {
	const {path, inputs, outputs: expected} = loadCase(name);
	const graph = importModel(path);
	const [node, ...rest] = graph.nodes;
	const op = ops.find(candidate => candidate.name === node?.op);
	if (!node || !op?.evaluate || rest.length > 0) {
		return undefined;
	}

	const tensors = node.inputs.map((input): Tensor | undefined => {
		const constant = graph.constants.get(input);
		const given = inputs.get(input) ?? (constant && tensor(constant));
		return given && relabelled(given, graph.types.get(input)?.dtype);
	});
	inferNode(op, node, tensors);
	return {node, op, inputs: tensors, expected};
}
