/** A sweep as a table for terminals; bars show losses against the largest. */
import {formatSize} from '../size.js';
import type {SweepResult} from '../sweep.js';
import {formatTable} from '../table.js';
import {formatLoss, lossMeaning} from './report.js';

const CELLS = 32;

export function formatSweep({points, calibration}: SweepResult): string {
	const most = Math.max(...points.map(({reached}) => reached?.loss ?? 0)) || 1;
	const rows = points.map(({budget, reached, problem}) =>
		reached
			? [
					formatSize(budget),
					formatSize(reached.bytes),
					reached.bitsPerWeight.toFixed(2),
					formatLoss(reached.loss),
					'█'.repeat(Math.max(1, Math.round((CELLS * reached.loss) / most))),
				]
			: [formatSize(budget), '–', '–', '–', problem ?? ''],
	);
	return `${formatTable([['budget', 'holds', 'bits', 'loss', ''], ...rows])}\n${lossMeaning(calibration ?? undefined)}`;
}
