/** One step of each recurrent cell. Gates lie in the order of ONNX: LSTM input, output, forget, cell; GRU update, reset, hidden. */
import {recur, recurrent, unitsOf, type Step} from './recurrent.js';
import type {Op} from '../op.js';

/** W x + R h + both biases, for one gate and unit. */
const gateSum = (step: Step, gates: number, gate: number, unit: number): number => {
	const at = gate * step.hidden + unit;
	return step.input[at]! + recur(step, gate, unit, step.h) + step.bias[at]! + step.bias[gates * step.hidden + at]!;
};

const lstm = recurrent({
	name: 'LSTM',
	gates: 4,
	activations: ['Sigmoid', 'Tanh', 'Tanh'],
	hasCell: true,
	flags: ['input_forget'],
	kernel: 'lstm_f32',
	scratch: 0,
	step(step) {
		const {hidden, c, peepholes, clip} = step;
		const [f, g, h] = step.activations as [Step['activations'][0], Step['activations'][0], Step['activations'][0]];
		const cells = unitsOf(step).map(unit => {
			const input = f.apply(clip(gateSum(step, 4, 0, unit) + peepholes[unit]! * c[unit]!));
			const forget = step.flag('input_forget') ? 1 - input : f.apply(clip(gateSum(step, 4, 2, unit) + peepholes[2 * hidden + unit]! * c[unit]!));
			return forget * c[unit]! + input * g.apply(clip(gateSum(step, 4, 3, unit)));
		});
		return {c: cells, h: cells.map((cell, unit) => f.apply(clip(gateSum(step, 4, 1, unit) + peepholes[hidden + unit]! * cell)) * h.apply(cell))};
	},
});

const gru = recurrent({
	name: 'GRU',
	gates: 3,
	activations: ['Sigmoid', 'Tanh'],
	hasCell: false,
	flags: ['linear_before_reset'],
	kernel: 'gru_f32',
	scratch: 1,
	step(step) {
		const {hidden, h, bias, clip} = step;
		const [f, g] = step.activations as [Step['activations'][0], Step['activations'][0]];
		const [update, reset] = [0, 1].map(gate => unitsOf(step).map(unit => f.apply(clip(gateSum(step, 3, gate, unit))))) as [number[], number[]];
		const faded = unitsOf(step).map(unit => reset[unit]! * h[unit]!);
		return {
			h: unitsOf(step).map(unit => {
				const at = 2 * hidden + unit;
				const recurrentBias = bias[3 * hidden + at]!;
				const past = step.flag('linear_before_reset') ? reset[unit]! * (recur(step, 2, unit, h) + recurrentBias) : recur(step, 2, unit, faded) + recurrentBias;
				const candidate = g.apply(clip(step.input[at]! + bias[at]! + past));
				return (1 - update[unit]!) * candidate + update[unit]! * h[unit]!;
			}),
		};
	},
});

const rnn = recurrent({
	name: 'RNN',
	gates: 1,
	activations: ['Tanh'],
	hasCell: false,
	flags: [],
	kernel: 'rnn_f32',
	scratch: 0,
	step: step => ({h: unitsOf(step).map(unit => step.activations[0]!.apply(step.clip(gateSum(step, 1, 0, unit))))}),
});

export const recurrentOps: readonly Op[] = [lstm, gru, rnn];
