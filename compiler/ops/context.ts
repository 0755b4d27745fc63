/** Makes the contexts that ops see from a node and its surroundings. */
import type {Bounds, Dim} from '../graph/dim.js';
import {describeNode, type Node, type ValueType} from '../graph/graph.js';
import {sizeOf, tensor, type Constant, type Tensor} from '../graph/tensor.js';
import {SnugError} from '../error.js';
import type {EvaluateContext, InferContext} from './op.js';

export type Surroundings = {
	readonly bounds: Bounds;
	type(name: string): ValueType | undefined;
	constant(name: string): Constant | undefined;
	value(name: string): readonly Dim[] | undefined;
};

/** Elements of a constant that are worth knowing as dimensions. */
const KNOWN_LENGTH = 65_536;

const integers = new Set(['int64', 'int32', 'uint64', 'uint32', 'int16', 'uint16', 'int8', 'uint8', 'bool']);

/** The elements of an integer constant as numbers; undefined for other types, long tensors, and values that no double holds. */
export function knownElements(constant: Constant): readonly number[] | undefined {
	if (!integers.has(constant.dtype) || sizeOf(constant.dims) > KNOWN_LENGTH) {
		return undefined;
	}

	const data = constant.read() as ArrayLike<number | bigint>;
	const elements = Array.from(data, Number);
	return elements.every((element, index) => isHeld(data[index]!, element)) ? elements : undefined;
}

/** INT64_MAX stands for "to the end" in Slice; as a double it is still larger than any dimension. */
const isHeld = (exact: number | bigint, element: number): boolean =>
	typeof exact === 'number' || Number.isSafeInteger(element) || BigInt(element) === exact || exact === 2n ** 63n - 1n;

type Sides = {expected?: string; found?: string; hint?: string};

export const failer =
	(node: Node, code = 'invalid-node') =>
	(problem: string, sides: Sides = {}): never => {
		throw new SnugError(code, {subject: describeNode(node), problem, ...sides});
	};

export function inferContext(node: Node, around: Surroundings): InferContext {
	const fail = failer(node);
	const has = (index: number): boolean => (node.inputs[index] ?? '') !== '';
	return {
		node,
		attributes: node.attributes,
		bounds: around.bounds,
		inputCount: node.inputs.length,
		outputCount: node.outputs.length,
		has,
		input(index) {
			if (!has(index)) {
				return fail(`input ${index} is missing`, {expected: 'a value', found: `${node.inputs.length} inputs`});
			}

			return around.type(node.inputs[index]!) ?? fail(`input ${index} ('${node.inputs[index]!}') has no type`);
		},
		value: index => (has(index) ? around.value(node.inputs[index]!) : undefined),
		constant(index) {
			const constant = has(index) ? around.constant(node.inputs[index]!) : undefined;
			return constant && tensor(constant);
		},
		fail,
	};
}

export function evaluateContext(node: Node, inputs: ReadonlyArray<Tensor | undefined>): EvaluateContext {
	const fail = failer(node);
	return {
		node,
		attributes: node.attributes,
		inputs,
		input: index => inputs[index] ?? fail(`input ${index} is missing`, {expected: 'a tensor', found: `${node.inputs.length} inputs`}),
		outputCount: node.outputs.length,
		fail,
	};
}
