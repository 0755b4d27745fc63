/** The page of a model that does not generate: embeddings of text where it reads tokens, and what goes in and comes out. */
import type {Model, PortInfo} from '../loader/index.js';
import type {BundleFacts} from './bundle.js';
import {html, make} from './dom.js';
import {cosine, embed, type Embedding} from './embedding.js';
import * as figures from './figures.js';
import {problemCard, problemOf} from './problem.js';

export type ArraysPage = {ready(model: Model): void; suspend(): void};

export function makeArrays(facts: BundleFacts, say: (status: string) => void, reload: () => void): ArraysPage {
	const {kind, manifest} = facts;
	const place = html('arrays');
	const result = make('div', {className: 'result'});
	result.setAttribute('aria-live', 'polite');
	const fields = ['A sentence', 'Another, to compare it with'].map((text, index) => {
		const field = make('textarea', {id: `text-${index}`, rows: 2, value: index === 0 ? 'The cat sleeps on the warm stove.' : 'A kitten naps beside the fire.'});
		return {field, label: make('label', {htmlFor: field.id}, text, field)};
	});
	const action = make('button', {className: 'strong', type: 'submit', disabled: true}, 'Compute');
	const form = make('form', {className: 'arrays-form'}, ...fields.map(({label}) => label), action);
	let model: Model | undefined;
	const compute = async (): Promise<void> => {
		if (model === undefined || action.disabled) {
			return;
		}

		action.disabled = true;
		say('Computing');
		try {
			const texts = fields.map(({field}) => field.value.trim()).filter(text => text !== '');
			const found: Embedding[] = [];
			for (const text of texts) {
				found.push(await embed(model, manifest, text));
			}

			result.replaceChildren(...show(found));
			say(found.length === 0 ? 'Write a sentence' : `Computed in ${figures.milliseconds(found.reduce((sum, {took}) => sum + took, 0))}`);
		} catch (error) {
			const problem = problemOf(error);
			say(problem.title);
			result.replaceChildren(problemCard(problem, [problem.fatal ? ['Load the model again', reload] : ['Try again', () => void compute()]]));
		} finally {
			refresh();
		}
	};

	const refresh = (): void => {
		action.disabled = model === undefined;
	};

	form.addEventListener('submit', event => {
		event.preventDefault();
		void compute();
	});
	return {
		ready(loaded) {
			model = loaded;
			refresh();
			const {inputs, outputs} = loaded.info;
			place.replaceChildren(
				make('p', {className: 'lead'}, lead(kind)),
				...(kind === 'embedding' ? [form, result] : []),
				ports('Inputs', inputs),
				ports('Outputs', outputs),
			);
		},
		suspend() {
			model = undefined;
			refresh();
		},
	};
}

const lead = (kind: BundleFacts['kind']): string =>
	kind === 'embedding'
		? 'This model turns text into vectors; it does not write text. Similar sentences get similar vectors.'
		: 'This model takes arrays and gives arrays; it does not write text. Run it from a page with model.run(), or with snug run --input NAME=FILE.npy.';

function show(found: readonly Embedding[]): HTMLElement[] {
	const [first, second] = found;
	return [
		...(first && second
			? [
					make('p', {className: 'similarity figures'}, cosine(first.vector, second.vector).toFixed(3)),
					make('p', {className: 'lead'}, 'similarity (cosine): 1 is the same direction'),
				]
			: []),
		...found.flatMap(({vector, tokens, took}) => [
			make('p', {className: 'figures'}, `${figures.whole(tokens)} tokens, ${vector.length} numbers, ${figures.milliseconds(took)}`),
			picture(vector),
		]),
	];
}

/** A stripe for each number: pine for positive, amber for negative. */
function picture(vector: Float32Array): HTMLCanvasElement {
	const canvas = make('canvas', {className: 'vector', width: vector.length, height: 1});
	canvas.setAttribute('role', 'img');
	canvas.setAttribute('aria-label', `Vector, begins with ${[...vector.slice(0, 4)].map(value => value.toFixed(3)).join(', ')}`);
	const context = canvas.getContext('2d')!;
	const most = vector.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-9);
	for (const [index, value] of vector.entries()) {
		context.fillStyle = `hsl(${value > 0 ? '165 57%' : '27 82%'} ${45 + 45 * (1 - Math.abs(value) / most)}%)`;
		context.fillRect(index, 0, 1, 1);
	}

	return canvas;
}

const ports = (title: string, rows: readonly PortInfo[]): HTMLTableElement =>
	make(
		'table',
		{},
		make('caption', {}, title),
		make(
			'tbody',
			{},
			...rows.map(({name, type, dims}) =>
				make('tr', {}, make('th', {scope: 'row'}, name), make('td', {}, type), make('td', {className: 'figures'}, dims.join(' × '))),
			),
		),
	);
