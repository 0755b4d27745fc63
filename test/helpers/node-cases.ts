/**
 * The node cases of the ONNX backend suite: one model of one node each, with inputs and expected outputs. They come with Debian's
 * `libonnx-testdata`; `available` is false where that is not installed, and `caseNames` is then empty.
 */
import fs from 'node:fs';
import path from 'node:path';
import type {Tensor} from '../../compiler/graph/tensor.js';
import {decodeModel} from '../../compiler/onnx/schema.js';
import {readTensorFile} from '../../compiler/onnx/tensor.js';
import {declaredType} from '../../compiler/onnx/value-type.js';

const directory = '/usr/share/libonnx-testdata/data/node';

export const available = fs.existsSync(directory);

export const caseNames: readonly string[] = available
	? fs
			.readdirSync(directory)
			.filter(name => fs.existsSync(path.join(directory, name, 'model.onnx')))
			.sort()
	: [];

export type NodeCase = {
	readonly path: string;
	readonly inputs: ReadonlyMap<string, Tensor>;
	readonly outputs: ReadonlyMap<string, Tensor>;
};

/** Throws a SnugError where an input or output is no tensor of a supported type. */
export function loadCase(name: string): NodeCase {
	const folder = path.join(directory, name);
	const model = path.join(folder, 'model.onnx');
	const {graph} = decodeModel(fs.readFileSync(model));
	for (const value of [...(graph?.input ?? []), ...(graph?.output ?? [])]) {
		declaredType(value, `'${value.name}' in ${model}`);
	}

	const read = (kind: 'input' | 'output'): Map<string, Tensor> =>
		new Map((graph?.[kind] ?? []).map((value, index) => [value.name, readTensorFile(path.join(folder, 'test_data_set_0', `${kind}_${index}.pb`))] as const));
	return {path: model, inputs: read('input'), outputs: read('output')};
}

/** Names of the cases that test `op` (the model's own node, or its body where the case is the op's function expansion). */
export const casesOf = (op: string): string[] =>
	caseNames.filter(name => decodeModel(fs.readFileSync(path.join(directory, name, 'model.onnx'))).graph?.node.some(node => node.opType === op));
