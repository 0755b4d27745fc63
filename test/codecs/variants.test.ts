/** The relaxed variant gives the same bits as the plain one. Node 20 runs relaxed SIMD rightly only behind two flags. */
import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const script = fileURLToPath(new URL('results.ts', import.meta.url));

async function results(variant: string): Promise<Record<string, string>> {
	const {stdout} = await promisify(execFile)(process.execPath, ['--experimental-wasm-relaxed-simd', '--no-liftoff', '--import=tsx', script], {
		env: {...process.env, SNUG_KERNELS: variant},
	});
	return JSON.parse(stdout) as Record<string, string>;
}

test('relaxed kernels of codecs equal plain ones, bit for bit', async t => {
	if (!process.version.startsWith('v20.') && !process.version.startsWith('v22.')) {
		t.log(`skipped: the flags are known for Node 20 and 22, this is ${process.version}`);
		t.pass();
		return;
	}

	const plain = await results('plain');
	t.true(Object.keys(plain).length > 60);
	t.deepEqual(await results('relaxed'), plain);
});
