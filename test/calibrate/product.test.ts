/** Products of calibration, in each of its numbers, against plain sums; threads change nothing. */
import test from 'ava';
import {BLOCK_FLOAT, FLOAT} from '../../compiler/calibrate/arithmetic.js';
import {multiply, pack} from '../../compiler/calibrate/product.js';
import {openTeam, withTeam} from '../../compiler/numeric/team.js';
import {randomNumbers} from '../helpers/random.js';

/** No multiples of blocks, and more vectors than are rounded at once. */
const [VECTORS, ROWS, COLUMNS] = [601, 21, 130];

for (const [title, arithmetic, error] of [
	['in f32', FLOAT, 1e-6],
	['in block floating point', BLOCK_FLOAT, 1e-3],
] as const) {
	test(`a product is that of plain sums, ${title}`, async t => {
		const a = Float32Array.from(randomNumbers(VECTORS * COLUMNS, 1, 1));
		const b = Float32Array.from(randomNumbers(ROWS * COLUMNS, 2, 1));
		const product = multiply(a, pack(b, COLUMNS, arithmetic));
		t.is(product.length, VECTORS * ROWS);
		let [distance, size] = [0, 0];
		for (const [index, value] of product.entries()) {
			const [vector, row] = [Math.floor(index / ROWS), index % ROWS];
			let sum = 0;
			for (let k = 0; k < COLUMNS; k++) {
				sum += a[vector * COLUMNS + k]! * b[row * COLUMNS + k]!;
			}

			distance += (value - sum) ** 2;
			size += sum ** 2;
		}

		t.true(Math.sqrt(distance / size) < error, `${Math.sqrt(distance / size)}`);
		const team = await openTeam(3);
		t.teardown(team.close);
		t.deepEqual(
			withTeam(team, () => multiply(a, pack(b, COLUMNS, arithmetic))),
			product,
		);
	});
}
