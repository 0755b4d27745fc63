/** The panel of figures: speed, memory, program, device. */
import type {Info} from '../loader/types.js';
import {element, fillList, html} from './dom.js';
import * as figures from './figures.js';

export type Speed = {
	readonly decode?: number | undefined;
	readonly prefill?: number | undefined;
	readonly firstToken?: number | undefined;
	readonly history?: readonly number[];
	/** Positions in use. */
	readonly used?: number | undefined;
};

export type Readout = {
	loaded(info: Info, took: number): void;
	/** Changes what is given, keeps the rest. */
	speed(change: Speed): void;
	clear(): void;
};

export function makeReadout(positions: number): Readout {
	let speed: Speed = {};
	let memory = '';
	const show = (): void => {
		const {decode, prefill, firstToken, history = [], used} = speed;
		const or = (value: number | undefined, text: (value: number) => string): string => (value === undefined ? '–' : text(value));
		html('decode').textContent = or(decode, figures.rate);
		fillList(html('speed-list'), [
			['Prefill', or(prefill, value => `${figures.rate(value)} tokens/s`)],
			['First token after', or(firstToken, figures.milliseconds)],
			[
				'Conversation',
				or(used, value => `${figures.whole(Math.min(value, positions))}${Number.isFinite(positions) ? ` of ${figures.whole(positions)}` : ''} tokens`),
			],
		]);
		draw(history);
		html('strip').textContent = [
			...(decode === undefined ? [] : [`${figures.rate(decode)} tokens/s`]),
			...(prefill === undefined ? [] : [`prefill ${figures.rate(prefill)}`]),
			memory,
		].join('  ·  ');
	};

	return {
		loaded(info, took) {
			memory = figures.bytes(info.memory);
			html('held').hidden = false;
			html('memory').textContent = memory;
			fillList(html('memory-list'), [
				['Downloaded', figures.bytes(info.bytesLoaded)],
				['Loaded in', figures.milliseconds(took)],
				['Threads', String(info.threads)],
				['SIMD', info.simd],
				...(info.levels > 1 ? [['Level', `${info.level + 1} of ${info.levels}`] as const] : []),
			]);
			show();
		},
		speed(change) {
			speed = {...speed, ...change};
			show();
		},
		clear() {
			speed = {};
			show();
		},
	};
}

/** From zero to the fastest, oldest at the left. */
function draw(history: readonly number[]): void {
	const most = Math.max(...history, 1);
	const line = element('line', SVGPolylineElement);
	line.setAttribute(
		'points',
		history.length < 2
			? ''
			: history.map((value, index) => `${((100 * index) / (history.length - 1)).toFixed(1)},${(27 - (25 * value) / most).toFixed(1)}`).join(' '),
	);
}

export async function showDevice(): Promise<void> {
	const {hardwareConcurrency, deviceMemory} = navigator as Navigator & {readonly deviceMemory?: number};
	const show = (webgpu: string): void => {
		fillList(html('device-list'), [
			['Cores', String(hardwareConcurrency)],
			['Memory', deviceMemory === undefined ? 'not told' : `about ${deviceMemory} GB`],
			['Shared memory', crossOriginIsolated ? 'yes' : 'no: not isolated'],
			['WebGPU', webgpu],
		]);
	};

	const {gpu} = navigator as unknown as {readonly gpu?: {requestAdapter(): Promise<object | null>}};
	show(gpu === undefined ? 'no' : '…');
	if (gpu !== undefined) {
		const adapter = await gpu.requestAdapter().catch(() => null);
		show(adapter === null ? 'no' : 'yes');
	}
}
