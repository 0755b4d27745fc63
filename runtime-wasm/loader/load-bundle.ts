/**
 * Loads a bundle into a new memory: program and the chunks of one level, each verified, its pieces copied to their places and dropped. A few files are on their way at once, so no second copy of the weights ever stands in memory.
 */
import type {LevelEntry} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import {host} from './host.js';
import type {Bundle} from './manifest.js';
import {bytesAt, createMemory, isShared} from './memory.js';
import type {LoadCall} from './protocol.js';
import {startProgram} from './program.js';
import {caller, type Session} from './session.js';
import {describeDim} from './shape.js';
import {chooseSimd} from './simd.js';
import {formatBytes} from './size.js';
import {openSource, type RemoteFetch, type Source} from './source.js';
import {alone, chooseThreads, startTeam, type Team} from './team.js';
import type {TeamSetup} from './thread-start.js';
import type {PortInfo, Progress} from './types.js';

/** Files on their way at once. */
const parallel = 4;

/** What the page does for the worker. */
export type Page = {readonly fetch: RemoteFetch | undefined; startThreads(team: TeamSetup): Promise<void>};

export type Loaded = {readonly session: Session; readonly source: Source};

export async function loadBundle(
	call: LoadCall,
	signal: AbortSignal,
	{fetch: remote, startThreads}: Page,
	onProgress: (progress: Progress) => void,
): Promise<Loaded> {
	const source = openSource(new URL(call.url), signal, remote);
	const simd = chooseSimd(call.simd, host.name === 'node');
	const {bundle} = call;
	const index = chooseLevel(bundle, call.budget);
	const level = bundle.levels[index]!;
	const programFile = bundle.programs[simd];
	const total = programFile.bytes + level.chunks.reduce((sum, chunk) => sum + bundle.chunks[chunk]!.bytes, 0);
	let loaded = 0;
	const onBytes = (count: number): void => {
		loaded += count;
		onProgress({loaded, total, level: index});
	};

	const threads = chooseThreads(call.threads, bundle);
	const memory = createMemory(level.memory, threads > 1);
	const start = async (): Promise<{exports: WebAssembly.Exports; team: Team}> => {
		const {module, exports} = await startProgram(source, programFile, memory, onBytes);
		return {exports, team: isShared(memory) ? await startTeam(module, memory, bundle, threads, startThreads) : alone};
	};

	const [{exports, team}] = await Promise.all([start(), placeChunks(bundle, level, source, memory, onBytes)]);
	bytesAt(memory, bundle.table.address, level.table.length * 4).set(new Uint8Array(Uint32Array.from(level.table, word => word >>> 0).buffer));
	const session: Session = {
		bundle,
		memory,
		call: caller(bundle, exports, team),
		past: 0,
		tokens: [],
		info: {
			target: 'wasm',
			threads: team.threads,
			simd,
			level: index,
			levels: bundle.levels.length,
			memory: memory.buffer.byteLength + programFile.bytes,
			budget: call.budget ?? level.bytes,
			inputs: [...bundle.inputs, ...bundle.states.map(({input, dtype, shape}) => ({name: input, dtype, shape}))].map(portInfo),
			outputs: [
				...bundle.outputs,
				...bundle.states.map(({output, dtype, shape, axis}) => ({name: output, dtype, shape: shape.with(axis, {past: 1, sequence: 1})})),
			].map(portInfo),
			bytesLoaded: loaded,
		},
	};
	return {session, source};
}

const portInfo = ({name, dtype, shape}: Pick<Bundle['inputs'][number], 'name' | 'dtype' | 'shape'>): PortInfo => ({
	name,
	type: dtype,
	dims: shape.map(dim => (typeof dim === 'number' ? dim : describeDim(dim))),
});

/** The largest level inside the budget. */
function chooseLevel({levels, name}: Bundle, budget: number | null): number {
	const fitting = levels.flatMap(({bytes}, index) => (budget === null || bytes <= budget ? [index] : []));
	const best = fitting.reduce<number | undefined>(
		(chosen, index) => (chosen === undefined || levels[index]!.bytes > levels[chosen]!.bytes ? index : chosen),
		undefined,
	);
	if (best === undefined) {
		const smallest = Math.min(...levels.map(({bytes}) => bytes));
		throw new SnugError('budget-too-small', {
			subject: `model '${name}'`,
			problem: 'does not fit the budget',
			expected: `at least ${formatBytes(smallest)}`,
			found: formatBytes(budget!),
			hint: 'raise the budget, or compile for a smaller one',
		});
	}

	return best;
}

type Copy = {readonly offset: number; readonly bytes: number; readonly address: number};

/** For each chunk, where its pieces go at this level. */
function copiesOf({parts, chunks}: Bundle, {placement}: LevelEntry): readonly Copy[][] {
	const copies = chunks.map((): Copy[] => []);
	for (const [index, {pieces}] of parts.entries()) {
		let address = placement[index]!;
		for (const {chunk, offset, bytes} of address < 0 ? [] : pieces) {
			copies[chunk]!.push({offset, bytes, address});
			address += bytes;
		}
	}

	return copies;
}

async function placeChunks(bundle: Bundle, level: LevelEntry, source: Source, memory: WebAssembly.Memory, onBytes: (count: number) => void): Promise<void> {
	const copies = copiesOf(bundle, level);
	const queue = [...level.chunks];
	const largest = queue.reduce((most, chunk) => Math.max(most, bundle.chunks[chunk]!.bytes), 0);
	let failed = false;
	const work = async (): Promise<void> => {
		const room = {buffer: new ArrayBuffer(largest)};
		for (let chunk = queue.shift(); chunk !== undefined && !failed; chunk = queue.shift()) {
			const bytes = await source.read(bundle.chunks[chunk]!, onBytes, room).catch((error: unknown) => {
				failed = true;
				throw error;
			});
			for (const {offset, bytes: length, address} of copies[chunk]!) {
				bytesAt(memory, address, length).set(bytes.subarray(offset, offset + length));
			}
		}
	};

	await Promise.all(Array.from({length: Math.min(parallel, queue.length)}, work));
}
