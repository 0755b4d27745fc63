/** `snug profiles [name]`: the device profiles as a table, or one in full. */
import {findProfile, profiles, type Profile} from '../../profiles/index.js';
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import {defineCommand, printJson} from './command.js';

export const profilesCommand = defineCommand({
	usage: 'profiles [name]',
	summary: 'List the device profiles that --profile takes, or show one in full',
	examples: [
		['snug profiles', 'What devices there are'],
		['snug profiles android-4gb --json > kiosk.json', 'Start a profile of your own'],
	],
	options: parser =>
		parser
			.positional('name', {type: 'string', description: 'A profile, or the path of a .json file'})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'}),
	async run({name, json}, io) {
		if (name === undefined) {
			const list = profiles();
			if (json) {
				printJson(io, {profiles: list});
			} else {
				io.stdout.write(`${overview(list)}\n`);
			}

			return;
		}

		const profile = findProfile(name);
		if (json) {
			printJson(io, profile);
		} else {
			io.stdout.write(`${describe(profile)}\n`);
		}
	},
});

const overview = (list: readonly Profile[]): string =>
	formatTable([
		['profile', 'budget', 'tab', 'wasm', 'threads', 'simd', 'webgpu', 'device'],
		...list.map(({name, defaultBudget, tabBytes, wasmMaximum, threads, simd, webgpu, description}) => [
			name,
			formatSize(defaultBudget),
			formatSize(tabBytes),
			formatSize(wasmMaximum),
			String(threads),
			simd,
			webgpu ? (webgpu.f16 ? 'f16' : 'f32') : 'none',
			description,
		]),
	]);

const describe = ({name, description, webgpu, storage, ...profile}: Profile): string =>
	`${name}: ${description}\n\n${formatTable([
		['default budget', formatSize(profile.defaultBudget)],
		['default maximum of positions', String(profile.defaultMaxSequence)],
		['tab', formatSize(profile.tabBytes)],
		['WebAssembly memory', formatSize(profile.wasmMaximum)],
		['shared memory', yesNo(profile.sharedMemory)],
		['threads', String(profile.threads)],
		['SIMD', profile.simd],
		[
			'WebGPU',
			webgpu ? `buffers ${formatSize(webgpu.maxBufferSize)}, bindings ${formatSize(webgpu.maxStorageBufferBindingSize)}, f16 ${yesNo(webgpu.f16)}` : 'none',
		],
		['storage', `${formatSize(storage.quota)}, OPFS ${yesNo(storage.opfs)}`],
	])}\n\n${profile.sources}`;

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
