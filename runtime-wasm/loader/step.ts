/**
 * One more token behind those that the state holds, written straight into the inputs of `decode`: what `run` does for any feeds takes
 * longer than a small model's step.
 */
import type {PortEntry} from '../../compiler/bundle/format.js';
import type {Session} from './session.js';
import {usesSymbol} from './shape.js';

/** Writes element `index` of a port, by its type; `step` asks for no others. */
const writers: Readonly<Record<string, (memory: WebAssembly.Memory, address: number, index: number, value: number) => void>> = {
	int64({buffer}, address, index, value) {
		new BigInt64Array(buffer, address + 8 * index, 1)[0] = BigInt(value);
	},
	int32({buffer}, address, index, value) {
		new Int32Array(buffer, address + 4 * index, 1)[0] = value;
	},
	float32({buffer}, address, index, value) {
		new Float32Array(buffer, address + 4 * index, 1)[0] = value;
	},
};

/** Which element of a port belongs to the position behind `past` others; undefined for shapes that are no single row. */
function elementOf({shape}: PortEntry, past: number): number | undefined {
	const along = shape.at(-1);
	if (along === undefined || !usesSymbol(along, 'sequence') || shape.slice(0, -1).some(dim => dim !== 1 && !usesSymbol(dim, 'batch'))) {
		return undefined;
	}

	return usesSymbol(along, 'past') ? past : 0;
}

/**
 * Runs `token`; answers false, and does nothing, where an input needs more than one number. The inputs hold what `run` or an earlier
 * step wrote for the positions before.
 */
export function step(session: Session, token: number): boolean {
	const {bundle, memory, past, tokens} = session;
	const ports = bundle.inputs.filter(({address}) => address >= 0);
	const places = ports.map(port => elementOf(port, past));
	if (
		tokens === undefined ||
		bundle.positions === 0 ||
		past >= bundle.positions ||
		ports.some(({fill, dtype}, index) => fill === undefined || places[index] === undefined || writers[dtype] === undefined)
	) {
		return false;
	}

	for (const [index, port] of ports.entries()) {
		writers[port.dtype]!(memory, port.address, places[index]!, port.fill === 'tokens' ? token : port.fill === 'ones' ? 1 : past);
	}

	session.call('decode', {past, sequence: 1, batch: 1});
	session.past = past + 1;
	session.tokens = [...tokens, token];
	return true;
}
