/** What the user may set: sampling for the next answer, threads and SIMD for the next load. Kept in the address, so that a link repeats them. */
import {element, html, make} from './dom.js';

export type Sampling = {readonly temperature: number; readonly topP: number; readonly maxTokens: number};

/** `threads` is 0 for the loader's own choice. */
export type ProgramSettings = {readonly threads: number; readonly simd: 'auto' | 'relaxed' | 'plain'};

export type Settings = {
	sampling(): Sampling;
	program(): ProgramSettings;
};

const usualTokens = 256;

/** @param usual Sampling unless the user sets it. @param positions The most that an answer could have. */
export function makeSettings(usual: Omit<Sampling, 'maxTokens'>, positions: number, generates: boolean, onProgram: () => void): Settings {
	const slider = element('temperature', HTMLInputElement);
	const tokens = element('max-tokens', HTMLInputElement);
	const threads = element('threads', HTMLSelectElement);
	const simd = element('simd', HTMLSelectElement);
	const asked = new URLSearchParams(location.search);
	html('sampling').hidden = !generates;
	slider.value = String(usual.temperature);
	tokens.max = Number.isFinite(positions) ? String(positions) : '';
	tokens.value = String(Math.min(usualTokens, positions));
	const showTemperature = (): void => {
		html('temperature-value').textContent = Number(slider.value).toFixed(2);
	};

	showTemperature();
	slider.addEventListener('input', showTemperature);
	const most = Math.max(1, navigator.hardwareConcurrency);
	threads.replaceChildren(
		make('option', {value: '0'}, 'automatic'),
		...Array.from({length: most}, (_, index) => make('option', {value: String(index + 1)}, String(index + 1))),
	);
	choose(threads, asked.get('threads'));
	choose(simd, asked.get('simd'));
	for (const select of [threads, simd]) {
		select.addEventListener('change', () => {
			const address = new URL(location.href);
			address.searchParams.set('threads', threads.value);
			address.searchParams.set('simd', simd.value);
			history.replaceState(null, '', address);
			onProgram();
		});
	}

	return {
		sampling: () => ({topP: usual.topP, temperature: Number(slider.value), maxTokens: Math.max(1, Math.floor(Number(tokens.value)) || usualTokens)}),
		program: () => ({threads: Number(threads.value), simd: simd.value as ProgramSettings['simd']}),
	};
}

function choose(select: HTMLSelectElement, value: string | null): void {
	if (value !== null && [...select.options].some(option => option.value === value)) {
		select.value = value;
	}
}
