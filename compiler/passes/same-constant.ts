/** Whether two constants are one matrix, as a tied embedding and head are, whatever the exporter called them. */
import type {Constant} from '../graph/tensor.js';

export function isSame(a: Constant, b: Constant): boolean {
	if (a === b || (a.identity !== undefined && a.identity === b.identity)) {
		return true;
	}

	if (a.dtype !== b.dtype || a.dims.join() !== b.dims.join()) {
		return false;
	}

	const bytes = ({read}: Constant): Buffer => {
		const data = read();
		return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
	};
	return bytes(a).equals(bytes(b));
}
