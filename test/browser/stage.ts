/** What a file of browser tests shares: one browser, bundles compiled once, their servers; all ended after the last test. */
import type {ExecutionContext, TestFn} from 'ava';
import type {CompileOptions} from '../../compiler/compile.js';
import {compileModel, findModel, missing} from '../helpers/models.js';
import type {Server} from '../helpers/server.js';
import type {Browser} from './browser.js';
import {serveBundle} from './site.js';

export type Stage<B extends Browser, Name extends string> = {
	readonly browser: B;
	/** The folder of a bundle. */
	folder(name: Name): string;
	/** Serves a bundle until the end of the file's tests. */
	serve(name: Name, headers?: Readonly<Record<string, string>>): Promise<Server>;
};

export type Wanted<B extends Browser, Name extends string> = {
	readonly browser: string;
	launch(): Promise<B | undefined>;
	readonly model: string;
	readonly bundles: Readonly<Record<Name, Omit<CompileOptions, 'output'>>>;
};

/** A test that gets the stage; it is skipped with a word where the browser or the model is not on this machine. */
export type StageTest<B extends Browser, Name extends string> = (title: string, body: (t: ExecutionContext, stage: Stage<B, Name>) => Promise<void>) => void;

export function prepare<B extends Browser, Name extends string>(test: TestFn, {browser: name, launch, model, bundles}: Wanted<B, Name>): StageTest<B, Name> {
	const endings: Array<() => Promise<void>> = [];
	let stage: Stage<B, Name> | undefined;
	let reason = '';
	test.before('the browser starts and the bundles are compiled', async t => {
		const file = findModel(model);
		const browser = file === undefined ? undefined : await launch();
		if (file === undefined || browser === undefined) {
			reason = file === undefined ? missing(model) : `${name} is not on this machine`;
			return;
		}

		endings.push(async () => browser.close());
		const folders: Partial<Record<Name, string>> = {};
		for (const key of Object.keys(bundles) as Name[]) {
			const started = performance.now();
			const compiled = await compileModel(file, bundles[key]);
			endings.push(async () => compiled[Symbol.asyncDispose]());
			folders[key] = compiled.bundle;
			t.log(`${model}, ${key}: compiled in ${((performance.now() - started) / 1000).toFixed(1)} s`);
		}

		stage = {
			browser,
			folder: key => folders[key]!,
			async serve(key, headers) {
				const server = await serveBundle(folders[key]!, headers);
				endings.push(async () => server.close());
				return server;
			},
		};
	});
	test.after.always('the browser ends and the bundles are removed', async () => {
		for (const ending of endings.reverse()) {
			await ending();
		}
	});
	return (title, body) => {
		test.serial(title, async t => {
			if (stage === undefined) {
				t.log(`skipped: ${reason}`);
				t.pass();
				return;
			}

			await body(t, stage);
		});
	};
}
