/** A Redis and worker processes of this machine, for tests of the queue. */
import {spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import {freePort} from '../helpers/free-port.js';

/** Whether a Redis can be started here. */
export const hasRedis = (): boolean => spawnSync('redis-server', ['--version']).status === 0;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
	if (child.exitCode === null && child.signalCode === null) {
		const exit = once(child, 'exit');
		child.kill(signal);
		await exit;
	}
}

/** On loopback; it keeps nothing on the disk, so that a restart forgets all. */
export async function startRedis(): Promise<{readonly url: string; restart(): Promise<void>; stop(): Promise<void>}> {
	const port = await freePort();
	const start = async (): Promise<ChildProcess> => {
		const child = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		for await (const line of createInterface(child.stdout)) {
			if (line.includes('Ready to accept connections')) {
				break;
			}
		}

		child.stdout.resume();
		return child;
	};

	let child = await start();
	return {
		url: `redis://127.0.0.1:${port}`,
		async restart() {
			await end(child, 'SIGKILL');
			child = await start();
		},
		stop: async () => end(child, 'SIGKILL'),
	};
}

export type WorkerProcess = {
	/** Jobs that it has said it did. */
	readonly jobs: () => number;
	/** Without a word to anyone. */
	kill(): Promise<void>;
	/** As Ctrl-C does. @returns the exit status. */
	stop(): Promise<number | null>;
};

/** A worker in a process of its own, ready for jobs. */
export async function startWorker(url: string, store: string): Promise<WorkerProcess> {
	const cli = fileURLToPath(new URL('../../compiler/cli.ts', import.meta.url));
	const child = spawn(process.execPath, ['--import', 'tsx', cli, 'worker', '--queue', url, '--store', store, '--threads', '1'], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let jobs = 0;
	createInterface(child.stdout).on('line', () => jobs++);
	let said = '';
	const ready = new Promise<void>((resolve, reject) => {
		child.stderr.on('data', (text: Buffer) => {
			said += text.toString();
			if (said.includes('waiting for jobs')) {
				resolve();
			}
		});
		child.once('exit', status => {
			reject(new Error(`the worker ended with ${status}: ${said}`));
		});
	});
	await ready;
	return {
		jobs: () => jobs,
		kill: async () => end(child, 'SIGKILL'),
		async stop() {
			await end(child, 'SIGINT');
			return child.exitCode;
		},
	};
}
