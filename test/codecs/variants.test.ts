/** The relaxed variant gives the same bits as the plain one, but for products in f32, which it may round once. Node 20 runs relaxed SIMD rightly only behind two flags. */
import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import type {Results} from './results.js';

const script = fileURLToPath(new URL('results.ts', import.meta.url));

async function results(variant: string): Promise<Results> {
	const {stdout} = await promisify(execFile)(process.execPath, ['--experimental-wasm-relaxed-simd', '--no-liftoff', '--import=tsx', script], {
		env: {...process.env, SNUG_KERNELS: variant},
	});
	return JSON.parse(stdout) as Results;
}

test('relaxed kernels of codecs equal plain ones, bit for bit or but for the rounding of f32', async t => {
	if (!process.version.startsWith('v20.') && !process.version.startsWith('v22.')) {
		t.log(`skipped: the flags are known for Node 20 and 22, this is ${process.version}`);
		t.pass();
		return;
	}

	const plain = await results('plain');
	t.true(Object.keys(plain).length > 60);
	const relaxed = await results('relaxed');
	t.deepEqual(Object.keys(relaxed), Object.keys(plain));
	for (const [name, expected] of Object.entries(plain)) {
		const actual = relaxed[name]!;
		if (typeof expected === 'string' || typeof actual === 'string') {
			t.is(actual, expected, name);
			continue;
		}

		t.is(actual.values.length, expected.values.length, name);
		for (const [index, value] of expected.values.entries()) {
			const difference = Math.abs(actual.values[index]! - value);
			t.true(difference <= expected.bounds[index]!, `${name}, ${index}: ${difference}`);
		}
	}
});
