/** The GELU family of com.microsoft, as ONNX's own Gelu and Swish. */
import type {Attributes} from '../../graph/graph.js';
import type {Op} from '../op.js';
import {real} from '../linear/attributes.js';
import {node} from './steps.js';

const activation = (name: string, op: string, attributesOf: (attributes: Attributes) => Attributes): Op => ({
	name: `com.microsoft.${name}`,
	infer: context => [context.input(0)].map(({dtype, shape}) => ({dtype, shape})),
	expand(context) {
		const [x, bias = ''] = context.inputNames as [string, string?];
		context.addNode(op, [bias === '' ? x : node(context, 'Add', [x, bias])], attributesOf(context.attributes), context.outputNames);
	},
});

export const activations: readonly Op[] = [
	activation('Gelu', 'Gelu', () => ({approximate: 'none'})),
	activation('BiasGelu', 'Gelu', () => ({approximate: 'none'})),
	activation('FastGelu', 'Gelu', () => ({approximate: 'tanh'})),
	activation('QuickGelu', 'Swish', attributes => ({alpha: real(attributes, 'alpha', 1.702)})),
];
