/** Weights as kernels of tests see them: encoded by a codec, beside what the codec says they mean. */
import type {Kernels, Parameters, Weight} from '../../compiler/codecs/codec.js';
import {codecs} from '../../compiler/codecs/index.js';
import type {Tensor} from '../../compiler/graph/tensor.js';

export type CodedWeight = {readonly codec: string; readonly parameters: Parameters};

const open = ({dims, data}: Tensor): Weight => {
	const [rows, columns] = dims as [number, number];
	return {name: 'w', rows, columns, read: (first, count) => (data as Float32Array).slice(first * columns, (first + count) * columns)};
};

export function encodeWeight({codec: id, parameters}: CodedWeight, tensor: Tensor): {readonly kernels: Kernels; readonly parts: readonly Uint8Array[]} {
	const codec = codecs.get(id)!;
	return {kernels: codec.kernels(parameters), parts: codec.encode(open(tensor), parameters)};
}

/** The matrix that the code means. */
export function decodeWeight({codec: id, parameters}: CodedWeight, tensor: Tensor): Tensor {
	const codec = codecs.get(id)!;
	const weight = open(tensor);
	return {...tensor, data: codec.decode(codec.encode(weight, parameters), weight, parameters, 0, weight.rows)};
}
