/** One node through ONNX Runtime and through our import, expansion and interpreter, for comparison. */
process.env['ORT_DISABLE_TELEMETRY'] = '1';

import type {DType} from '../../compiler/graph/dtype.js';
import type {Tensor} from '../../compiler/graph/tensor.js';
import {importModel} from '../../compiler/onnx/import.js';
import {expandComposites} from '../../compiler/passes/expand-composites.js';
import {inferTypes} from '../../compiler/passes/infer-types.js';
import {applyPass} from '../../compiler/passes/pass.js';
import {runReference} from '../../compiler/reference/run.js';
import {buildModel, type AttributeSpec} from './build-model.js';

const ort = await import('onnxruntime-node');

export type Case = {
	readonly op: string;
	readonly domain?: string;
	readonly opset?: number;
	/** By position; undefined where an optional input is left out. Feeds and initializers alike. */
	readonly inputs: ReadonlyArray<Tensor | undefined>;
	/** Positions of the inputs that are initializers. */
	readonly constants?: readonly number[];
	readonly attributes?: Readonly<Record<string, AttributeSpec>>;
	/** Types of the outputs; undefined where an output is left out. */
	readonly outputs: ReadonlyArray<readonly [DType, number] | undefined>;
};

export const modelOf = ({op, domain = '', opset = 21, inputs, constants = [], attributes = {}, outputs}: Case): Uint8Array => {
	const named = inputs.flatMap((tensor, index) => (tensor ? [[`input${index}`, tensor] as const] : []));
	const isConstant = (name: string): boolean => constants.some(index => name === `input${index}`);
	return buildModel({
		opsets: domain === '' ? {'': opset} : {'': opset, [domain]: 1},
		inputs: Object.fromEntries(named.filter(([name]) => !isConstant(name)).map(([name, {dtype, dims}]) => [name, [dtype, dims] as const])),
		initializers: Object.fromEntries(named.filter(([name]) => isConstant(name))),
		outputs: Object.fromEntries(
			outputs.flatMap((type, index) => (type ? [[`output${index}`, [type[0], Array.from({length: type[1]}, () => null)] as const]] : [])),
		),
		nodes: [
			{
				op,
				domain,
				name: 'node',
				inputs: inputs.map((tensor, index) => (tensor ? `input${index}` : '')),
				outputs: outputs.map((type, index) => (type ? `output${index}` : '')),
				attributes,
			},
		],
	});
};

const feedsOf = ({inputs, constants = []}: Case): ReadonlyMap<string, Tensor> =>
	new Map(inputs.flatMap((tensor, index) => (tensor && !constants.includes(index) ? [[`input${index}`, tensor] as const] : [])));

export async function runOracle(given: Case): Promise<Array<Tensor | undefined>> {
	const session = await ort.InferenceSession.create(modelOf(given), {logSeverityLevel: 4});
	const feeds = Object.fromEntries(
		[...feedsOf(given)].map(([name, {dtype, dims, data}]) => [name, new ort.Tensor(dtype as 'float32', data as Float32Array, dims)]),
	);
	const results = await session.run(feeds);
	await session.release();
	return given.outputs.map((type, index) => {
		const result = results[`output${index}`];
		return type && result && {dtype: result.type as DType, dims: result.dims, data: result.data as Float32Array};
	});
}

export function runOurs(given: Case): Array<Tensor | undefined> {
	const typed = applyPass(inferTypes(importModel({bytes: modelOf(given)})), expandComposites);
	const results = runReference(typed.graph, feedsOf(given));
	return given.outputs.map((_, index) => results.get(`output${index}`));
}

export {randomNumbers} from './random.js';
