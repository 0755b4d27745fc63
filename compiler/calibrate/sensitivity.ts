/**
 * What an error in one weight does to the model: the divergence of its predictions when that weight alone is encoded, for each unit of
 * squared error of the weight's own outputs. There are no gradients at compile time, so it is measured forward, with one coarse code.
 */
import type {GraphWeight} from '../allocate/weights.js';
import {quadratic, squares} from '../codecs/measure.js';
import type {CalibrateOptions} from './calibrate.js';
import {openCalibrated} from './factor.js';
import {withNewTeam, withTeam} from '../numeric/team.js';
import type {FloatModel} from './float-program.js';
import {probed} from './probe.js';
import type {RunInputs} from './run-inputs.js';
import type {Calibration, Sensitivities} from './statistics.js';
import {tryCodes} from './try-codes.js';

export async function measureSensitivities(
	model: FloatModel,
	calibration: Calibration,
	windows: readonly RunInputs[],
	options?: CalibrateOptions,
): Promise<Sensitivities> {
	const sensitivities = new Map<string, number>();
	await withNewTeam(model.threads, async team =>
		tryCodes(
			model,
			windows,
			(weight, lossOf) => {
				const {error, values} = withTeam(team, () => probe(weight, calibration));
				sensitivities.set(weight.name, Math.max(lossOf(values), LEAST) / error);
			},
			options,
		),
	);
	return sensitivities;
}

/** What the probe makes of the weight, and what its error costs the weight's own outputs. */
function probe(weight: GraphWeight, calibration: Calibration): {readonly error: number; readonly values: Float32Array} {
	const statistics = calibration.get(weight.name);
	const opened = openCalibrated(weight, statistics);
	const {rows, columns} = weight;
	const values = probed(opened);
	const exact = opened.read(0, rows);
	// A sample of rows stands for all, as where options are measured.
	const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
	const sample = new Float32Array(Math.ceil(rows / step) * columns);
	for (let row = 0, at = 0; row < rows; row += step) {
		for (let column = 0; column < columns; column++) {
			sample[at++] = exact[row * columns + column]! - values[row * columns + column]!;
		}
	}

	const error = ((statistics ? quadratic(sample, statistics.gram, columns) : squares(sample)) * rows) / (sample.length / columns);
	return {error: error || 1, values};
}

const SAMPLE_ROWS = 128;

/** A divergence that is taken for nothing: less is rounding, and a loss of nothing would buy no bits at all. */
const LEAST = 1e-7;
