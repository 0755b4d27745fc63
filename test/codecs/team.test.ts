/** Threads that share an encoder's work: the bytes are those of one thread. */
import test from 'ava';
import {codecs} from '../../compiler/codecs/index.js';
import {createFeedback} from '../../compiler/calibrate/factor.js';
import {openTeam, withTeam} from '../../compiler/numeric/team.js';
import {correlated, trainedWeight} from './harness.js';

test('every code has the same bytes from three threads as from one', async t => {
	const team = await openTeam(3);
	t.teardown(team.close);
	const shape = {rows: 1100, columns: 96};
	const statistics = {gram: correlated(shape.columns, 3), sampleSize: Infinity};
	for (const weight of [trainedWeight(shape, 5), {...trainedWeight(shape, 5), feedback: createFeedback(statistics, shape.columns)}]) {
		for (const codec of codecs.values()) {
			for (const parameters of codec.options(shape).filter(({rank}) => rank === undefined || Number(rank) < 4)) {
				const alone = codec.encode(weight, parameters);
				const together = withTeam(team, () => codec.encode(weight, parameters));
				t.deepEqual(together, alone, `${codec.id} ${JSON.stringify(parameters)}`);
			}
		}
	}
});
