/** Outputs that no kernel computes: constants, elements that follow from shapes, inputs handed on. */
import test from 'ava';
import type {DType} from '../compiler/graph/dtype.js';
import {float32, tensor, type Tensor} from '../compiler/graph/tensor.js';
import {importModel} from '../compiler/onnx/import.js';
import {optimize} from '../compiler/passes/optimize.js';
import {lower} from '../compiler/plan/lower.js';
import {runReference} from '../compiler/reference/run.js';
import {buildModel, type NodeSpec} from './helpers/build-model.js';
import {difference} from './helpers/compare.js';
import {buildCases} from './helpers/conformance-program.js';

const bytes = (...values: number[]): Tensor => ({dtype: 'uint8', dims: [values.length], data: Uint8Array.from(values)});

/** A model with the input x, float32 [sequence, 2], run by the reference and as a program. */
async function run(outputs: Readonly<Record<string, DType>>, nodes: readonly NodeSpec[], initializers: Readonly<Record<string, Tensor>> = {}) {
	const model = buildModel({
		inputs: {x: ['float32', ['sequence', 2]]},
		outputs: Object.fromEntries(Object.entries(outputs).map(([name, dtype]) => [name, [dtype] as const])),
		initializers,
		nodes,
	});
	const typed = optimize(importModel({bytes: model}));
	const feeds = new Map([['x', float32([3, 2], [1, 2, 3, 4, 5, 6])]]);
	const program = lower(typed, new Map(), {cachePrecision: 'float32', positions: 1});
	const cases = await buildCases([{name: 'case', typed, weights: [], program, constants: [], feeds, expected: new Map()}]);
	return {typed, feeds, reference: runReference(typed.graph, feeds), program: cases.run('case')};
}

test('elements that follow from a symbol are stored in every integer type', async t => {
	const types = ['int64', 'uint64', 'int32', 'uint32', 'int16', 'uint16', 'int8', 'uint8', 'bool'] as const;
	const codes = {int64: 7, uint64: 13, int32: 6, uint32: 12, int16: 5, uint16: 4, int8: 3, uint8: 2, bool: 9};
	const nodes = [
		{op: 'Shape', inputs: ['x'], outputs: ['shape']},
		...types.map(type => ({op: 'Cast', inputs: ['shape'], outputs: [type], attributes: {to: codes[type]}})),
	];
	const {reference, program} = await run(Object.fromEntries(types.map(type => [type, type])), nodes);
	for (const type of types) {
		t.deepEqual(Array.from(program.get(type)!.data as ArrayLike<number | bigint>, Number), type === 'bool' ? [1, 1] : [3, 2], type);
		t.is(difference(program.get(type), reference.get(type)!), undefined, type);
	}
});

test('a sum of constants wraps as its type does', async t => {
	const {reference, program, typed} = await run({y: 'uint8'}, [{op: 'Add', inputs: ['a', 'b'], outputs: ['y']}], {a: bytes(200, 3), b: bytes(100, 4)});
	t.is(typed.graph.nodes.length, 0);
	t.deepEqual([...program.get('y')!.data], [44, 7]);
	t.deepEqual([...reference.get('y')!.data], [44, 7]);
});

test('an initializer and an input can be outputs', async t => {
	const {program, typed, feeds} = await run({weights: 'uint8', y: 'float32'}, [{op: 'Identity', inputs: ['x'], outputs: ['y']}], {weights: bytes(1, 2)});
	t.is(difference(program.get('weights'), tensor(typed.graph.constants.get('weights')!)), undefined);
	t.is(difference(program.get('y'), feeds.get('x')!), undefined);
});
