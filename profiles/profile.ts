/**
 * What a profile is: data about a device in a browser. Sets limits and defaults of a compilation; nothing tests a profile's name.
 *
 * `readProfile` checks a profile that somebody wrote as JSON, field by field. Sizes may be bytes or text such as "600MB".
 */
import {SnugError} from '../compiler/error.js';
import {parseSize} from '../compiler/size.js';

export type Profile = {
	readonly name: string;
	readonly description: string;
	/** What a tab may hold in all before the system ends it, browser and page included. */
	readonly tabBytes: number;
	/** The largest WebAssembly memory that is reserved reliably. */
	readonly wasmMaximum: number;
	/** Whether `SharedArrayBuffer` can be had in a cross-origin isolated page; without it there is one thread. */
	readonly sharedMemory: boolean;
	/** Threads worth starting. */
	readonly threads: number;
	readonly simd: 'plain' | 'relaxed';
	/** Limits that an adapter offers (names as in the WebGPU specification), or null where WebGPU cannot be counted on. */
	readonly webgpu: WebGpuLimits | null;
	readonly storage: Storage;
	/** Bytes that a model may hold unless the user says otherwise. */
	readonly defaultBudget: number;
	/** Positions that the state of a model may hold unless the user says otherwise. */
	readonly defaultMaxSequence: number;
	/** Where the figures come from, and which are readings of evidence. */
	readonly sources: string;
};

export type WebGpuLimits = {
	readonly maxBufferSize: number;
	readonly maxStorageBufferBindingSize: number;
	readonly maxStorageBuffersPerShaderStage: number;
	readonly maxComputeWorkgroupStorageSize: number;
	readonly maxComputeInvocationsPerWorkgroup: number;
	readonly f16: boolean;
};

export type Storage = {
	/** Bytes that an origin may keep. */
	readonly quota: number;
	/** Whether the origin private file system can be written from a worker. */
	readonly opfs: boolean;
};

type Kind = 'text' | 'boolean' | 'size' | 'count' | 'simd';

const fields = {
	name: 'text',
	description: 'text',
	tabBytes: 'size',
	wasmMaximum: 'size',
	sharedMemory: 'boolean',
	threads: 'count',
	simd: 'simd',
	defaultBudget: 'size',
	defaultMaxSequence: 'count',
	sources: 'text',
} as const satisfies Record<Exclude<keyof Profile, 'webgpu' | 'storage'>, Kind>;

const webgpuFields = {
	maxBufferSize: 'size',
	maxStorageBufferBindingSize: 'size',
	maxStorageBuffersPerShaderStage: 'count',
	maxComputeWorkgroupStorageSize: 'size',
	maxComputeInvocationsPerWorkgroup: 'count',
	f16: 'boolean',
} as const satisfies Record<keyof WebGpuLimits, Kind>;

const storageFields = {quota: 'size', opfs: 'boolean'} as const satisfies Record<keyof Storage, Kind>;

/** The largest 32-bit WebAssembly memory: 65,536 pages. */
const wasmLimit = 2 ** 32;

type Values = {readonly text: string; readonly boolean: boolean; readonly size: number; readonly count: number; readonly simd: 'plain' | 'relaxed'};

type Read<F extends Readonly<Record<string, Kind>>> = {readonly [K in keyof F]: Values[F[K]]};

/** @param subject The file or name of the profile, for messages. */
export function readProfile(json: unknown, subject: string): Profile {
	const profile = object(json, subject);
	const {webgpu, storage, ...rest} = profile;
	const plain = readFields(rest, fields, subject);
	const result: Profile = {
		...plain,
		webgpu: webgpu === null ? null : readFields(object(webgpu, `${subject}: webgpu`, 'an object of limits, or null'), webgpuFields, `${subject}: webgpu`),
		storage: readFields(object(storage, `${subject}: storage`), storageFields, `${subject}: storage`),
	};
	if (result.wasmMaximum > wasmLimit) {
		throw invalid(`${subject}: wasmMaximum`, `at most ${wasmLimit} (4 GiB: addresses have 32 bits)`, String(result.wasmMaximum));
	}

	if (!result.sharedMemory && result.threads !== 1) {
		throw invalid(`${subject}: threads`, '1, because sharedMemory is false', String(result.threads));
	}

	return result;
}

function readFields<F extends Readonly<Record<string, Kind>>>(record: Readonly<Record<string, unknown>>, kinds: F, subject: string): Read<F> {
	for (const name of Object.keys(record)) {
		if (!Object.hasOwn(kinds, name)) {
			const known = Object.keys(kinds);
			throw new SnugError('invalid-profile', {subject, problem: `has a field '${name}' that profiles do not have`, expected: `the fields ${known.join(', ')}`});
		}
	}

	return Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, readField(record[name], kind, `${subject}: ${name}`)])) as Read<F>;
}

function readField(value: unknown, kind: Kind, subject: string): string | number | boolean {
	switch (kind) {
		case 'text': {
			if (typeof value !== 'string' || value.trim() === '') {
				throw invalid(subject, 'text', show(value));
			}

			return value;
		}

		case 'boolean': {
			if (typeof value !== 'boolean') {
				throw invalid(subject, 'true or false', show(value));
			}

			return value;
		}

		case 'size': {
			if (typeof value !== 'number' && typeof value !== 'string') {
				throw invalid(subject, 'a size (bytes, or text such as "600MB")', show(value));
			}

			return parseSize(value, subject);
		}

		case 'count': {
			if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
				throw invalid(subject, 'a whole number of at least 1', show(value));
			}

			return value;
		}

		case 'simd': {
			if (value !== 'plain' && value !== 'relaxed') {
				throw invalid(subject, '"plain" or "relaxed"', show(value));
			}

			return value;
		}
	}
}

function object(value: unknown, subject: string, expected = 'an object'): Readonly<Record<string, unknown>> {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) {
		throw invalid(subject, expected, show(value));
	}

	return value as Readonly<Record<string, unknown>>;
}

const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));

const invalid = (subject: string, expected: string, found: string): SnugError =>
	new SnugError('invalid-profile', {
		subject,
		problem: 'is not valid',
		expected,
		found,
		hint: "'snug profiles NAME --json' prints a complete profile to start from",
	});
