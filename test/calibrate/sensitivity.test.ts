/** Sensitivities against what the interpreter says of the same errors, and how well they foretell others. */
import test from 'ava';
import {openCalibrated} from '../../compiler/calibrate/factor.js';
import {measureSensitivities} from '../../compiler/calibrate/sensitivity.js';
import {planes} from '../../compiler/codecs/planes.js';
import {measure} from '../../compiler/codecs/measure.js';
import {calibrateTiny, divergenceBetween, textOf, withConstants} from './tiny.js';

const windows = [3, 11, 17].map(seed => textOf(seed, 100));

test("a weight's sensitivity is the divergence that its error causes, and foretells that of finer and coarser codes", async t => {
	const {typed, weights, model, calibration} = await calibrateTiny(t, windows);
	const sensitivities = await measureSensitivities(model, calibration, windows);
	t.is(sensitivities.size, weights.length);
	for (const weight of weights) {
		const {gram} = calibration.get(weight.name)!;
		const opened = openCalibrated(weight, calibration.get(weight.name));
		for (const [bits, group, tolerance] of [
			[3, weight.columns < 64 ? 32 : 64, 1.1],
			[3, 32, 1.6],
			[2, 32, 3],
		] as const) {
			const values = planes.decode(planes.encode(opened, {bits, group}), weight, {bits, group}, 0, weight.rows);
			const graph = withConstants(typed.graph, new Map(weight.uses.map(use => [use, values])));
			const caused = divergenceBetween(windows, typed.graph, graph);
			const foretold = sensitivities.get(weight.name)! * measure(planes, {bits, group}, opened, {sampleRows: weight.rows, gram});
			t.true(caused > 0 && foretold < tolerance * caused && caused < tolerance * foretold, `${weight.name} ${bits} bits, ${group}: ${foretold} for ${caused}`);
		}
	}
});
