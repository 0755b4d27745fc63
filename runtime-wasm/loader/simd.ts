/**
 * Which program a place can run. A module of a few bytes is validated, which asks the engine itself and nothing about its name.
 */
import {SnugError} from '../../compiler/error.js';
import type {Simd} from './types.js';

/** A module with one function of `body`: instructions that leave nothing behind. */
const moduleOf = (body: readonly number[]): Uint8Array =>
	new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, body.length + 4, 1, body.length + 2, 0, ...body, 11]);

const zero = [65, 0, 253, 15];
const drop = [26];
/** i8x16.splat, i8x16.swizzle. */
const plain = [...zero, ...zero, 253, 14, ...drop];
/** Swizzle, multiply-add and both integer dot products: engines exist that have some of them. */
const relaxed = [
	...zero,
	...zero,
	253,
	128,
	2,
	...drop,
	...zero,
	...zero,
	...zero,
	253,
	133,
	2,
	...drop,
	...zero,
	...zero,
	253,
	146,
	2,
	...drop,
	...zero,
	...zero,
	...zero,
	253,
	147,
	2,
	...drop,
];

export const hasSimd = (): boolean => WebAssembly.validate(moduleOf(plain) as BufferSource);

export const hasRelaxedSimd = (): boolean => WebAssembly.validate(moduleOf(relaxed) as BufferSource);

/** Node 20 computes relaxed dot products wrongly where its flag turns them on, so there they are used only when asked for. */
export function chooseSimd(asked: 'auto' | Simd, isNode: boolean): Simd {
	if (!hasSimd()) {
		throw new SnugError('no-simd', {
			subject: 'WebAssembly',
			problem: 'this engine has no SIMD, which every Snug program needs',
			hint: 'use a browser from 2023 or later',
		});
	}

	if (asked === 'relaxed' && !hasRelaxedSimd()) {
		throw new SnugError('no-relaxed-simd', {
			subject: "option simd 'relaxed'",
			problem: 'this engine has no relaxed SIMD',
			hint: "use 'auto' or 'plain'",
		});
	}

	return asked === 'auto' ? (!isNode && hasRelaxedSimd() ? 'relaxed' : 'plain') : asked;
}
