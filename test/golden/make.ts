/**
 * Makes the golden bundle of the present format: `npx tsx test/golden/make.ts`, into `format-N` beside this file.
 *
 * Run it once for a new format, and keep the folders of earlier ones: a loader must go on reading them. It refuses to touch a folder
 * that is there. To stay small it has no loader of its own, since today's is what the test judges, no graph,
 * which loaders do not read, and one program for both variants.
 */
import {existsSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {FORMAT} from '../../compiler/bundle/format.js';
import {load} from '../../runtime-wasm/loader/index.js';
import {answer} from './answer.js';
import {writeGolden} from './write.js';

const directory = fileURLToPath(new URL(`format-${FORMAT}`, import.meta.url));
if (existsSync(directory)) {
	throw new Error(`${directory} is there: a golden bundle is never changed; raise FORMAT in compiler/bundle/format.ts and make a new one`);
}

mkdirSync(directory);
const manifest = await writeGolden(directory);
rmSync(path.join(directory, 'snug.js'));
for (const {file} of [manifest.programs.relaxed, ...Object.values(manifest.extra)]) {
	rmSync(path.join(directory, file));
}

writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({...manifest, programs: {plain: manifest.programs.plain, relaxed: manifest.programs.plain}, extra: {}}));
const model = await load(`${directory}/`);
const expected = await answer(model);
model.release();
writeFileSync(path.join(directory, 'expected.json'), `${JSON.stringify(expected, undefined, '\t')}\n`);
console.log(`${directory}: ${expected.tokens.join(' ')}`);
