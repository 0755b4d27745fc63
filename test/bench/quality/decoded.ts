/** What the weights are worth once they are encoded: all codes are judged by what they decode to. */
import type {Option} from '../../../compiler/allocate/allocate.js';
import type {GraphWeight} from '../../../compiler/allocate/weights.js';
import {openCalibrated} from '../../../compiler/calibrate/factor.js';
import type {FloatProgram} from '../../../compiler/calibrate/float-program.js';
import type {Machine} from '../../../compiler/calibrate/machine.js';
import type {CalibrationSession} from '../../../compiler/calibrate/session.js';
import {codecs} from '../../../compiler/codecs/index.js';

/** Encodes as a compile does, and puts what it decodes to into the machine. @param chosen One for each weight. */
export async function setDecoded(
	float: FloatProgram,
	machine: Machine,
	weights: readonly GraphWeight[],
	chosen: readonly Option[],
	session: CalibrationSession,
): Promise<void> {
	const refined = await session.refine(chosen);
	for (const [index, weight] of weights.entries()) {
		const {codec: id, parameters} = chosen[index]!;
		const codec = codecs.get(id)!;
		const parts = refined?.parts.get(weight.name) ?? codec.encode(openCalibrated(weight, session.calibration.get(weight.name)), parameters);
		float.setValues(machine, weight, codec.decode(parts, weight, parameters, 0, weight.rows));
	}
}
