/** The page of `snug serve`: loads the bundle under './model/' and lets the user talk to it. Loading can fail and be repeated. */
import type {Model} from '../loader/index.js';
import {makeArrays} from './arrays.js';
import {readBundle, type BundleFacts} from './bundle.js';
import {html} from './dom.js';
import {openModel} from './open.js';
import {installPanel} from './panel.js';
import {problemCard, problemOf} from './problem.js';
import {makeReadout, showDevice, type Readout} from './readout.js';
import {makeSettings, type Settings} from './settings.js';
import {makeTalk} from './talk.js';

/** What the bundle's kind decides; made once, when the manifest was read. */
type View = {
	readonly section: HTMLElement;
	readonly settings: Settings;
	readonly readout: Readout;
	ready(model: Model): void;
	suspend(): void;
};

let view: View | undefined;
let model: Model | undefined;
let loading = new AbortController();

const say = (status: string): void => {
	html('status').textContent = status;
};

function show(section: HTMLElement): void {
	for (const each of [html('loading'), html('failure'), html('talk'), html('arrays')]) {
		each.hidden = each !== section;
	}
}

function makeView(facts: BundleFacts): View {
	const {name, kind, positions, sampling} = facts;
	const generates = kind === 'chat' || kind === 'text';
	document.title = `${name} – Snug`;
	html('name').textContent = name;
	html('speed').hidden = !generates;
	html('settings').hidden = false;
	const settings = makeSettings(sampling, positions, generates, () => void start());
	const readout = makeReadout(positions);
	const reload = (): void => void start();
	const shown = generates ? makeTalk({facts, settings, readout, say, reload}) : makeArrays(facts, say, reload);
	return {section: html(generates ? 'talk' : 'arrays'), settings, readout, ...shown};
}

async function start(): Promise<void> {
	loading.abort();
	const {signal} = (loading = new AbortController());
	view?.suspend();
	model?.release();
	model = undefined;
	html('loading-text').textContent = 'Reading the manifest';
	show(html('loading'));
	say('Loading');
	try {
		view ??= makeView(await readBundle(signal));
		const opened = await openModel(view.settings.program(), signal);
		if (signal.aborted) {
			opened.model.release();
			return;
		}

		model = opened.model;
		show(view.section);
		view.readout.loaded(model.info, opened.took);
		view.ready(model);
		say('Ready');
	} catch (error) {
		if (!signal.aborted) {
			fail(error);
		}
	}
}

function fail(error: unknown): void {
	const problem = problemOf(error);
	const card = problemCard(problem, [['Try again', () => void start()]]);
	html('failure-slot').replaceChildren(card);
	show(html('failure'));
	say(problem.title);
	card.querySelector('button')?.focus();
}

addEventListener('pagehide', () => model?.release());
addEventListener('pageshow', event => {
	// A page out of the back-forward cache has lost its worker.
	if (event.persisted) {
		void start();
	}
});
installPanel();
void showDevice();
void start();
