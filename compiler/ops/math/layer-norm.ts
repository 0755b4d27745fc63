/**
 * Normalisation of rows, a row being all axes from `axis` on: LayerNormalization (https://arxiv.org/abs/1607.06450), RMSNormalization
 * (https://arxiv.org/abs/1910.07467) and its older spelling SimplifiedLayerNormalization.
 */
import {equal, multiply, type Dim} from '../../graph/dim.js';
import {isFloat, type DType} from '../../graph/dtype.js';
import type {Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {fromNumbers, toNumbers} from '../linear/numbers.js';
import {integer, real} from '../linear/attributes.js';
import {broadcastIndices, broadcastShapes, normaliseAxis} from '../broadcast.js';
import type {EvaluateContext, InferContext, Inferred, Op} from '../op.js';
import {kernelType} from './kernel-type.js';
import {callBinary} from './lowering.js';

const axisOf = (context: Pick<InferContext, 'attributes' | 'fail'>, rank: number): number =>
	normaliseAxis(context, integer(context.attributes, 'axis', -1), rank);

const epsilonOf = ({attributes}: Pick<InferContext, 'attributes'>): number => real(attributes, 'epsilon', 1e-5);

/** `centred` for layer norm: the mean is subtracted first. */
function infer(context: InferContext, centred: boolean): readonly Inferred[] {
	const {dtype, shape} = context.input(0);
	if (!isFloat(dtype)) {
		context.fail('the input has a wrong type', {expected: 'a float type', found: dtype});
	}

	const axis = axisOf(context, shape.length);
	for (const index of centred ? [1, 2] : [1]) {
		if (context.has(index) && broadcastShapes(context, shape, context.input(index).shape).some((dim, at) => !equal(dim, shape[at] ?? 0))) {
			context.fail(`input ${index} is larger than the input that it scales`);
		}
	}

	const moment: Inferred = {dtype: 'float32', shape: shape.map((dim, at): Dim => (at < axis ? dim : 1))};
	return centred ? [{dtype: context.input(1).dtype, shape}, moment, moment] : [{dtype: context.input(1).dtype, shape}, moment];
}

function evaluate(context: EvaluateContext, centred: boolean): Tensor[] {
	const x = context.input(0);
	const axis = axisOf(context, x.dims.length);
	const dims = x.dims.map((dim, at) => (at < axis ? dim : 1));
	const rows = dims.reduce((a, b) => a * b, 1);
	const columns = x.dims.slice(axis).reduce((a, b) => a * b, 1);
	const numbers = Float64Array.from(toNumbers(x));
	const affine = [1, 2].map(index => {
		const tensor = context.inputs[index];
		return tensor && {numbers: toNumbers(tensor), at: broadcastIndices(tensor.dims, x.dims)};
	});
	const values = new Float64Array(numbers.length);
	const means = new Float64Array(rows);
	const inverses = new Float64Array(rows);
	for (let row = 0; row < rows; row++) {
		const elements = numbers.subarray(row * columns, (row + 1) * columns);
		const mean = centred ? elements.reduce((a, b) => a + b, 0) / columns : 0;
		const variance = elements.reduce((a, b) => a + (b - mean) ** 2, 0) / columns;
		const inverse = 1 / Math.sqrt(variance + epsilonOf(context));
		means[row] = mean;
		inverses[row] = inverse;
		for (let c = 0; c < columns; c++) {
			const i = row * columns + c;
			const [scale, bias] = affine.map(part => part?.numbers[part.at[i]!]);
			values[i] = (elements[c]! - mean) * inverse * (scale ?? 1) + (bias ?? 0);
		}
	}

	const y = fromNumbers(context.input(1).dtype, x.dims, values);
	const inverse = fromNumbers('float32', dims, inverses);
	return centred ? [y, fromNumbers('float32', dims, means), inverse] : [y, inverse];
}

const float32: readonly DType[] = ['float32'];

/** Whether the operand has just the elements of one row. */
function isRow({shape}: Operand, row: readonly Dim[]): boolean {
	const lead = shape.length - row.length;
	return lead >= 0 && shape.every((dim, at) => equal(dim, at < lead ? 1 : row[at - lead]!));
}

function lower(context: LowerContext, centred: boolean): void {
	kernelType(context, float32);
	kernelType(context, float32, 1);
	const [x, y, scale] = [context.input(0), context.output(0), context.input(1)];
	const bias = centred && context.has(2) ? context.input(2) : undefined;
	const axis = axisOf(context, x.shape.length);
	const row = x.shape.slice(axis);
	const sizes = {rows: multiply(...x.shape.slice(0, axis)), columns: multiply(...row)};
	const epsilon = epsilonOf(context);
	const kernel = centred ? 'layer_norm' : 'rms_norm';
	const scaled = isRow(scale, row);
	const shifted = scaled && bias !== undefined && isRow(bias, row);
	if (!scaled) {
		context.call(`${kernel}_plain_f32`, {y, x, ...sizes, epsilon});
		callBinary(context, 'binary_mul_f32', y, y, scale);
	} else if (shifted) {
		context.call(`${kernel}_f32`, {y, x, scale, bias, ...sizes, epsilon});
	} else {
		context.call(centred ? 'layer_norm_scale_f32' : 'rms_norm_f32', {y, x, scale, ...sizes, epsilon});
	}

	if (bias && !shifted) {
		callBinary(context, 'binary_add_f32', y, y, bias);
	}

	if (centred && context.wants(1)) {
		context.call('row_mean_f32', {y: context.output(1), x, ...sizes});
	}

	const inverse = centred ? 2 : 1;
	if (context.wants(inverse)) {
		context.call(centred ? 'row_inverse_deviation_f32' : 'row_inverse_rms_f32', {y: context.output(inverse), x, ...sizes, epsilon});
	}
}

const rowNorm = (name: string, centred: boolean): Op => ({
	name,
	infer: context => infer(context, centred),
	evaluate: context => evaluate(context, centred),
	lower(context) {
		lower(context, centred);
	},
});

export const layerNormOps: readonly Op[] = [
	rowNorm('LayerNormalization', true),
	rowNorm('RMSNormalization', false),
	rowNorm('SimplifiedLayerNormalization', false),
];
