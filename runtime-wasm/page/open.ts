/** Loads the model with the bundle's own loader, and shows how far it is. */
import type {Model, Progress, load} from '../loader/index.js';
import {folder} from './bundle.js';
import {element, html} from './dom.js';
import * as figures from './figures.js';
import type {ProgramSettings} from './settings.js';

export type Opened = {readonly model: Model; readonly took: number};

export async function openModel({threads, simd}: ProgramSettings, signal: AbortSignal): Promise<Opened> {
	const bar = element('loading-bar', HTMLProgressElement);
	const text = html('loading-text');
	const began = performance.now();
	bar.value = 0;
	text.textContent = 'Fetching the loader';
	const loader = (await import(new URL('snug.js', folder).href)) as {load: typeof load};
	const onProgress = ({loaded, total}: Progress): void => {
		bar.value = loaded / total;
		const speed = loaded / (performance.now() - began) / 1000;
		text.textContent =
			loaded < total ? `${figures.bytes(loaded)} of ${figures.bytes(total)}, ${speed.toFixed(speed < 10 ? 1 : 0)} MB/s` : 'Starting the program';
	};

	return {model: await loader.load(folder, {simd, signal, onProgress, threads: threads > 0 ? threads : 'auto'}), took: performance.now() - began};
}
