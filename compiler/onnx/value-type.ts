/** Declared types of inputs and outputs: element type, and dims as the file writes them. Only tensors of a known rank are supported. */
import {SnugError} from '../error.js';
import type {DType} from '../graph/dtype.js';
import {dataType} from './data-type.js';
import {toNumber} from './int64.js';
import {has, type DimensionProto, type ValueInfoProto} from './messages.js';

/** A number, the text of a `dim_param`, or undefined where the file says nothing. */
export type DeclaredDim = number | string | undefined;

export type DeclaredType = {readonly dtype: DType; readonly dims: readonly DeclaredDim[]};

/** @param subject Names the value and its file. */
export function declaredType({type}: ValueInfoProto, subject: string): DeclaredType {
	const tensor = type?.tensorType;
	if (!tensor) {
		throw new SnugError('unsupported-type', {
			subject,
			problem: 'not a tensor',
			expected: 'a tensor type',
			found: type ? 'a sequence, map, optional or sparse type' : 'no type',
			hint: 'export the model with plain tensors as inputs and outputs',
		});
	}

	const element = dataType(tensor.elemType, subject);
	if (element.bits < 8) {
		throw new SnugError('unsupported-data-type', {
			subject,
			problem: 'only constants may have elements of less than a byte',
			expected: 'elements of at least 8 bits',
			found: element.name,
		});
	}

	if (!tensor.shape) {
		throw new SnugError('unknown-rank', {
			subject,
			problem: 'the rank is unknown',
			expected: 'a shape with a fixed number of dimensions',
			found: 'no shape',
			hint: 'export the model with shapes for its inputs',
		});
	}

	return {dtype: element.dtype, dims: tensor.shape.dim.map(declaredDim)};
}

/** Some exporters write −1, or an empty name, for a dimension that they do not know. */
function declaredDim(dim: DimensionProto): DeclaredDim {
	if (has(dim, 'dimValue')) {
		const value = toNumber(dim.dimValue);
		return value < 0 ? undefined : value;
	}

	return dim.dimParam.trim() || undefined;
}

/** The dims of an output, for comparison with an input's; undefined where the file does not tell. */
export function declaredDims({type}: ValueInfoProto): readonly DeclaredDim[] | undefined {
	return type?.tensorType?.shape?.dim.map(declaredDim);
}
