/** Runs of a model without loss that stand still midway, and what their predictions become with other weights from there on. */
import {Buffer as Bytes} from 'node:buffer';
import {evaluate} from '../graph/dim.js';
import type {Buffer, Entry, KernelCall} from '../plan/program.js';
import {readPrototypes, type Parameter} from '../plan/prototypes.js';
import {productOf, type FloatProgram} from './float-program.js';
import type {Machine, Symbols} from './machine.js';
import {createPredictor, divergenceFrom} from './predictor.js';
import {lengthOf, writeInputs, type RunInputs} from './run-inputs.js';

export type StandingRun = {
	/**
	 * Goes on to the call `at`. The function returned tries the weights that the machine has by then, those of calls before `at` aside.
	 * @param rows Given where these weights are rows that are looked up, their name: layers are left out where the run has no word of theirs.
	 */
	goOn(at: number, rows?: string): () => Trial;
};

export type Trial = {
	/** How far predictions move. */
	readonly divergence: number;
	/** Tokens of the run that see a change before the layers, where rows are looked up and layers may be left out. */
	readonly changed?: number;
};

/** @returns A function that starts a run. @param symbols Of every run. */
export function createRuns(float: FloatProgram, machine: Machine, symbols: Symbols): (inputs: RunInputs) => StandingRun {
	const {program, plan, entry, arenaBytes} = float;
	const copy = machine.reserve(arenaBytes);
	const predict = createPredictor(float, machine, symbols);
	const bytesAt = (address: number, {bytes}: Buffer): Uint8Array => new Uint8Array(machine.kernels.memory.buffer, address, evaluate(bytes, symbols));
	const head = program.entries.find(({name}) => name === 'head')?.calls ?? [];
	/** What the entry writes for others: it lies in one place for all runs. */
	const results = [...program.buffers.values()].filter(({role}) => role === 'shared' || role === 'output');
	const viewResults = (): Uint8Array[] => results.map(buffer => bytesAt(plan.fixed.get(buffer.name)!.address, buffer));
	return inputs => {
		const base = machine.reserve(arenaBytes);
		const run = (first: number, arena: number, end = entry.calls.length): void => {
			writeInputs(machine, program, inputs);
			machine.run(entry.name, symbols, {first, arena, end});
		};
		const runCopy = (first: number, end?: number): void => {
			new Uint8Array(machine.kernels.memory.buffer).copyWithin(copy, base, base + arenaBytes);
			for (const [index, bytes] of viewResults().entries()) {
				bytes.set(left[index]!);
			}

			run(first, copy, end);
		};
		run(0, base);
		const left = viewResults().map(bytes => bytes.slice());
		const divergence = divergenceFrom(predict(), program.sliced !== undefined);
		let from = 0;
		return {
			goOn(at, rows) {
				run(from, base, at);
				from = at;
				const join = rows === undefined ? -1 : entry.calls.findIndex((call, place) => place >= at && productOf(call) !== undefined);
				const carried = join < 0 || entry.calls.slice(join).some(call => reads(call, rows!)) ? undefined : carriedTo(join, entry);
				if (!carried) {
					return () => {
						runCopy(at);
						return {divergence: divergence(predict())};
					};
				}

				const view = (): Uint8Array[] =>
					carried.map(buffer => bytesAt(machine.valueOf(entry.name, {kind: 'buffer', buffer: buffer.name, offset: 0}, symbols, copy), buffer));
				runCopy(at, join);
				const unchanged = view().map(bytes => bytes.slice());
				return () => {
					runCopy(at, join);
					const changed = countChanged(view(), unchanged, lengthOf(inputs));
					if (changed > 0) {
						run(join, copy);
					}

					return {divergence: changed > 0 || head.some(call => reads(call, rows!)) ? divergence(predict()) : 0, changed};
				};
			},
		};
	};
}

const reads = ({arguments: values}: KernelCall, weight: string): boolean =>
	Object.values(values).some(argument => argument.kind === 'parts' && argument.weight === weight);

/** The activations that calls before `at` write and others touch from there on; undefined where calls write more than activations. */
function carriedTo(at: number, {calls, buffers}: Entry): readonly Buffer[] | undefined {
	const prototypes = readPrototypes();
	const touched = (some: readonly KernelCall[], isMeant: (type: Parameter['type']) => boolean): ReadonlySet<string> =>
		new Set(
			some.flatMap(({kernel, arguments: values}) =>
				prototypes[kernel]!.parameters.flatMap(({name, type}) => {
					const argument = values[name];
					return argument?.kind === 'buffer' && isMeant(type) ? [argument.buffer] : [];
				}),
			),
		);
	const written = [...touched(calls.slice(0, at), type => type === 'write')];
	const later = touched(calls.slice(at), () => true);
	return written.every(name => buffers.has(name)) ? written.filter(name => later.has(name)).map(name => buffers.get(name)!) : undefined;
}

/** Tokens for which buffers, laid out token by token, differ. */
const countChanged = (buffers: readonly Uint8Array[], others: readonly Uint8Array[], tokens: number): number =>
	Array.from({length: tokens}, (_, token) =>
		buffers.some((bytes, index) => {
			const step = Math.ceil(bytes.length / tokens);
			const [start, end] = [token * step, (token + 1) * step];
			return !isSame(bytes.subarray(start, end), others[index]!.subarray(start, end));
		}),
	).filter(Boolean).length;

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Bytes.compare(a, b) === 0;
