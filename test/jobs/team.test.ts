/** Threads that share the calls of kernels at compile time. */
import test from 'ava';
import {openTeam} from '../../compiler/numeric/team.js';
import {normal} from '../codecs/harness.js';

const [tokens, columns] = [37, 77];

/** The Gram matrix of random vectors, added up twice. */
async function gram(threads: number): Promise<Float32Array> {
	const team = await openTeam(threads);
	try {
		const stride = 4 * 8 * Math.ceil(columns / 8) * tokens;
		const [h, x, scratch] = [1024, 65_536, 131_072];
		team.memory.grow(Math.ceil((scratch + threads * stride) / 65_536));
		new Float32Array(team.memory.buffer, x, tokens * columns).set(normal(tokens * columns, 3));
		for (let round = 0; round < 2; round++) {
			team.call('gram_f32', h, x, {address: scratch, stride}, tokens, columns);
		}

		team.call('mirror_f32', h, columns, 0.5);
		return new Float32Array(team.memory.buffer, h, columns * columns).slice();
	} finally {
		team.close();
	}
}

test('any number of threads gives the same bits', async t => {
	const alone = await gram(1);
	t.true(alone.some(value => value !== 0));
	for (const threads of [2, 3, 7]) {
		t.deepEqual(await gram(threads), alone, `${threads}`);
	}
});

test('a trap on any thread is an error of the call, whoever it hits', async t => {
	const team = await openTeam(3);
	try {
		team.memory.grow(2);
		// Addresses beyond the memory of the threads after the first.
		t.throws(
			() => {
				team.call('gram_f32', 1024, 65_536, {address: 70_000, stride: 2 ** 30}, 4, 8);
			},
			{message: /kernel gram_f32: ended out of turn on one of its threads/},
		);
		t.throws(
			() => {
				team.call('no_such_kernel', 1);
			},
			{message: /not among the built kernels/},
		);
	} finally {
		team.close();
	}
});
