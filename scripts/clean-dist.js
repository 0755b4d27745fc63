/** Removes what the TypeScript compiler wrote into `dist`, so that no file outlives its source. Kernels and loader have builds of their own. */
import {rmSync} from 'node:fs';
import {URL} from 'node:url';

for (const folder of ['compiler', 'profiles', 'runtime-wasm', 'targets']) {
	rmSync(new URL(`../dist/${folder}`, import.meta.url), {recursive: true, force: true});
}
