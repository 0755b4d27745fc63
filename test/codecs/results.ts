/** Prints, for every option of every codec, the bits of what its kernels compute. Run once for each variant by `variants.test.ts`. */
import {createHash} from 'node:crypto';
import {codecs} from '../../compiler/codecs/index.js';
import {matvec, normal, row, tile, trainedWeight} from './harness.js';

const shape = {rows: 37, columns: 200};
const hashes: Record<string, string> = {};
for (const codec of codecs.values()) {
	for (const parameters of codec.options(shape)) {
		const encoded = {codec, parameters, shape, parts: codec.encode(trainedWeight(shape, 7), parameters)};
		for (const [name, values] of Object.entries({
			matvec: matvec(encoded, normal(shape.columns, 3, 100)),
			tile: tile(encoded, normal(5 * shape.columns, 4)),
			row: row(encoded, [5, 36]),
		})) {
			hashes[`${codec.id} ${JSON.stringify(parameters)} ${name}`] = createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
		}
	}
}

console.log(JSON.stringify(hashes));
