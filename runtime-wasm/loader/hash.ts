/**
 * SHA-256 (FIPS 180-4) of a file: WebCrypto where the context is secure, else the function below. Pages on plain http have none.
 */

export async function sha256(bytes: Uint8Array): Promise<string> {
	const {subtle} = globalThis.crypto as {readonly subtle?: SubtleCrypto};
	return toHex(subtle === undefined ? digest(bytes) : new Uint8Array(await subtle.digest('SHA-256', bytes as BufferSource)));
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

/** The first 32 bits of the fractional part of the `power`-th powers of the first `count` primes. */
function primeFractions(count: number, power: number): Uint32Array {
	const words = new Uint32Array(count);
	for (let candidate = 2, found = 0; found < count; candidate++) {
		let divisor = 2;
		while (divisor * divisor <= candidate && candidate % divisor !== 0) {
			divisor++;
		}

		if (divisor * divisor > candidate) {
			const root = candidate ** power;
			words[found++] = Math.floor((root - Math.floor(root)) * 2 ** 32);
		}
	}

	return words;
}

/** SHA-256 without WebCrypto. */
export function digest(bytes: Uint8Array): Uint8Array {
	const constants = primeFractions(64, 1 / 3);
	const state = primeFractions(8, 1 / 2);
	const schedule = new Uint32Array(64);
	const whole = bytes.length - (bytes.length % 64);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = 0; at < whole; at += 64) {
		compress(state, schedule, constants, view, at);
	}

	const rest = bytes.length - whole;
	const tail = new Uint8Array(rest < 56 ? 64 : 128);
	tail.set(bytes.subarray(whole));
	tail[rest] = 0x80;
	const tailView = new DataView(tail.buffer);
	tailView.setBigUint64(tail.length - 8, BigInt(bytes.length) * 8n);
	for (let at = 0; at < tail.length; at += 64) {
		compress(state, schedule, constants, tailView, at);
	}

	const out = new DataView(new ArrayBuffer(32));
	state.forEach((word, index) => {
		out.setUint32(index * 4, word);
	});
	return new Uint8Array(out.buffer);
}

const rotate = (word: number, by: number): number => (word >>> by) | (word << (32 - by));

function compress(state: Uint32Array, schedule: Uint32Array, constants: Uint32Array, view: DataView, at: number): void {
	for (let t = 0; t < 16; t++) {
		schedule[t] = view.getUint32(at + t * 4);
	}

	for (let t = 16; t < 64; t++) {
		const early = schedule[t - 15]!;
		const late = schedule[t - 2]!;
		const sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
		const sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
		schedule[t] = schedule[t - 16]! + sigma0 + schedule[t - 7]! + sigma1;
	}

	let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
	for (let t = 0; t < 64; t++) {
		const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[t]! + schedule[t]!) | 0;
		const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
		[h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
	}

	[a, b, c, d, e, f, g, h].forEach((word, index) => {
		state[index] = state[index]! + word;
	});
}
